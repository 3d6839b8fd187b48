"""Loss sensitivity against training again with each number of each input moved a little."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from byrote.errors import InvalidData
from byrote.probes import input_gradient, loss_sensitivity
from byrote.summaries import gini
from probes.networks import ARCHITECTURES, build, examples, untouched

RATE = 0.7


def smooth(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def batches(n: int, size: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [part for _ in range(9) for part in torch.randperm(n, generator=generator).split(size) if len(part) == size]


def losses(inputs: Tensor, labels: Tensor, order: list[Tensor]) -> np.ndarray:
    """Train by torch's own SGD and return the mean loss over all examples after each step."""
    model, found = smooth(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for batch in order:
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
        optimizer.step()
        with torch.no_grad():
            found.append(functional.cross_entropy(model(inputs), labels).item())
    return np.array(found)


@pytest.mark.parametrize("size", [None, 2, 5])
def test_equals_training_again_with_each_number_moved(size: int | None) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs, labels = torch.randn(5, 3, generator=generator, dtype=torch.float64), torch.tensor([0, 1, 1, 0, 1])
    order = batches(5, size or 5)[:4]
    expected = np.zeros((4, 5))
    for i in range(5):
        for j in range(3):
            ends = []
            for move in (1e-5, -1e-5):
                moved = inputs.clone()
                moved[i, j] += move
                ends.append(losses(moved, labels, order))
            expected[:, i] += np.abs(ends[0] - ends[1]) / 2e-5
    found = loss_sensitivity(smooth(), inputs, labels, updates=4, learning_rate=RATE, batch_size=size)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    some = loss_sensitivity(smooth(), inputs, labels, updates=4, learning_rate=RATE, batch_size=size, at=[4, 2])
    torch.testing.assert_close(some, found[[1, 3]])


def test_it_is_not_the_one_step_gradient() -> None:
    """With a rate near 0 nothing is unrolled, and what is left is the gradient of the mean loss; otherwise not."""
    inputs, labels = torch.randn(6, 3, dtype=torch.float64), torch.tensor([0, 1, 1, 0, 1, 0])
    one_step = input_gradient(smooth(), inputs, labels, norm=1) / 6
    still = loss_sensitivity(smooth(), inputs, labels, updates=3, learning_rate=1e-12)
    torch.testing.assert_close(still, one_step.expand(3, -1))
    moving = loss_sensitivity(smooth(), inputs, labels, updates=3, learning_rate=RATE)
    assert not torch.allclose(moving, one_step.expand(3, -1), rtol=0.05)
    assert 0 < gini(moving.mean(0).numpy()).value < 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_leaves_the_model_alone_and_needs_no_gradients_on(architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, labels) = build(architecture), examples()
    expected = loss_sensitivity(model, inputs, labels, updates=2, learning_rate=0.1, batch_size=3)
    assert expected.shape == (2, 7)
    assert not expected.requires_grad
    with untouched(model), torch.no_grad():
        found = loss_sensitivity(model, inputs, labels, updates=2, learning_rate=0.1, batch_size=3)
    assert found.equal(expected)


@pytest.mark.parametrize(
    "options",
    [
        {"updates": 0},
        {"learning_rate": 0.0},
        {"batch_size": 8},
        {"at": [0]},
        {"at": [4]},
        {"at": []},
        {"batch_size": -1},
    ],
)
def test_refusals(options: dict[str, float]) -> None:
    inputs, labels = torch.zeros(7, 3), torch.zeros(7, dtype=torch.int64)
    with pytest.raises(InvalidData, match=r"loss_sensitivity was given 7 inputs, .*rows from 1 to updates\."):
        loss_sensitivity(smooth().float(), inputs, labels, **{"updates": 3, "learning_rate": 0.1, **options})
