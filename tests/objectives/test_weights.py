"""Losses of several targets against torch.nn; weights and single logits in training: each equals a training without them."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.objectives import Classification, Regression
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.engine import Engine
from byrote.training.pack import Pack

CLASSES, N = 3, 12


def outputs(*shape: int) -> Tensor:
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(1))


LABELS = torch.arange(N) % CLASSES


@pytest.mark.parametrize(
    ("loss", "peer"),
    [
        ("squared", nn.MSELoss(reduction="none")),
        ("absolute", nn.L1Loss(reduction="none")),
        ("huber", nn.HuberLoss(reduction="none", delta=0.7)),
    ],
)
@pytest.mark.parametrize("width", [1, 2])
def test_losses_of_regression_are_torchs_of_standardized_targets(
    loss: Any, peer: Callable[[Tensor, Tensor], Tensor], width: int
) -> None:
    targets = np.random.default_rng(0).normal(50, 10, (N, width)).astype(np.float32)
    objective = Regression(loss=loss, delta=0.7).fitted(targets, 0)
    standard = torch.from_numpy(((targets - targets.mean(0)) / targets.std(0)).astype(np.float32))
    found = objective.losses(outputs(N, width), objective.to_tensor(targets))
    torch.testing.assert_close(found, peer(outputs(N, width), standard).mean(1), rtol=1e-5, atol=1e-5)


class OneLogit(nn.Module):
    def __init__(self, two: bool) -> None:
        super().__init__()
        self.layer, self.two = nn.Linear(3, 1), two

    def forward(self, inputs: Tensor) -> Tensor:
        z = self.layer(inputs)
        return torch.cat([torch.zeros_like(z), z], dim=1) if self.two else z[:, 0]


def trained(task: Task, *, epochs: int = 3, runs: int = 1, member: NDArray[np.bool_] | None = None) -> Pack:
    """Return the pack of a task after its epochs, with no canaries."""
    population = plant(task, Canaries(), 0)
    chosen = population.split == "train" if member is None else member
    pack = Pack(
        cast("Any", task.model),
        population,
        task.learned,
        np.stack([chosen] * runs),
        task.recipe,
        list(range(runs)),
        Engine("cpu"),
    )
    for epoch in range(1, epochs + 1):
        pack.epoch(epoch, np.arange(len(population)))
    return pack


def weights_of(pack: Pack) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in pack.networks.parameters])


def full_batch(n: int = 64) -> Recipe:
    return Recipe(epochs=3, batch_size=n, optimizer="sgd", learning_rate=0.3)


def points(n: int = 20) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    return x, (x[:, 0] + rng.normal(size=n) > 0).astype(np.int64)


def test_one_logit_trains_as_two_do() -> None:
    x, y = points()
    one, two = (
        trained(Task(lambda two=two: OneLogit(two), Examples(x, y), Examples(x, y), full_batch(6)))
        for two in (False, True)
    )
    torch.testing.assert_close(weights_of(one), weights_of(two), rtol=1e-6, atol=1e-7)


def linear_model(outputs: int = 2) -> nn.Module:
    return nn.Linear(3, outputs)


@pytest.mark.parametrize("runs", [1, 2])
def test_a_weight_of_2_is_an_example_that_stands_twice(runs: int) -> None:
    x, y = points()
    weights = np.ones(20)
    weights[4] = 2
    weighted = trained(Task(linear_model, Examples(x, y, weights=weights), None, full_batch()), runs=runs)
    twice = trained(
        Task(linear_model, Examples(np.concatenate([x, x[4:5]]), np.append(y, y[4])), None, full_batch()), runs=runs
    )
    plain = trained(Task(linear_model, Examples(x, y), None, full_batch()), runs=runs)
    torch.testing.assert_close(weights_of(weighted), weights_of(twice), rtol=1e-5, atol=1e-6)
    assert (weights_of(weighted) - weights_of(plain)).abs().max() > 1e-3


@pytest.mark.parametrize("runs", [1, 2])
def test_a_weight_of_0_is_absence(runs: int) -> None:
    x, y = points()
    weights = np.ones(20)
    weights[[2, 7]] = 0
    weighted = trained(Task(linear_model, Examples(x, y, weights=weights), None, full_batch()), runs=runs)
    absent = trained(Task(linear_model, Examples(x[weights > 0], y[weights > 0]), None, full_batch()), runs=runs)
    torch.testing.assert_close(weights_of(weighted), weights_of(absent), rtol=1e-5, atol=1e-6)


def test_class_weights_train_as_torchs_do() -> None:
    x, y = points()
    objective = Classification(class_weights=(1.0, 4.0))
    pack = trained(Task(linear_model, Examples(x, y), None, full_batch(), objective=objective))
    torch.manual_seed(0)
    model = linear_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 4.0]))
    for _ in range(3):
        optimizer.zero_grad()
        loss(model(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        optimizer.step()
    expected = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    torch.testing.assert_close(weights_of(pack), expected, rtol=1e-5, atol=1e-6)
