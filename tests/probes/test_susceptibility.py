"""Susceptibility against a copied model and torch's own SGD, and its first-order size."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from byrote.errors import InvalidData
from byrote.probes import susceptibility
from byrote.stats.intervals import student
from probes.networks import ARCHITECTURES, CLASSES, build, examples, perceptron, untouched


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_equals_a_copy_and_a_step_of_sgd(architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, _) = build(architecture), examples(20)
    generator = torch.Generator().manual_seed(4)
    drops = []
    for _ in range(6):
        some = inputs[torch.randperm(20, generator=generator)[:8]]
        told = torch.randint(CLASSES, (8,), generator=generator)
        fresh = copy.deepcopy(model)
        optimizer = torch.optim.SGD(fresh.parameters(), lr=0.05)
        before = functional.cross_entropy(fresh(some), told)
        before.backward()
        optimizer.step()
        drops.append((before - functional.cross_entropy(fresh(some), told)).item())
    with untouched(model):
        found = susceptibility(model, inputs, learning_rate=0.05, batch_size=8, repetitions=6, seed=4)
    assert found.value == pytest.approx(np.mean(drops))
    low, high = map(float, student(np.mean(drops), np.var(drops, ddof=1), 6, level=0.9))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.n, found.unit, found.level) == (6, "repetition", 0.9)


def test_a_small_step_wins_the_squared_gradient() -> None:
    """A linear softmax at 0 on zeros: only the bias moves, and its gradient is 1/3 minus the share of each label."""
    model = nn.Linear(2, 3).double()
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    found = susceptibility(model, torch.zeros(900, 2).double(), learning_rate=1e-5, batch_size=900, repetitions=400)
    assert found.value / 1e-5 == pytest.approx(2 / 3 / 900, rel=0.25)  # 4.5 standard errors of 1/20
    assert found.low < found.value < found.high


def test_a_larger_step_shows_more_and_the_seed_decides() -> None:
    model, (inputs, _) = build(perceptron), examples(20)
    small, large = (susceptibility(model, inputs, learning_rate=r, batch_size=10).value for r in (1e-4, 1e-3))
    assert 0 < small < large
    assert small == susceptibility(model, inputs, learning_rate=1e-4, batch_size=10, seed=0).value
    assert small != susceptibility(model, inputs, learning_rate=1e-4, batch_size=10, seed=1).value


def test_one_repetition_has_no_interval() -> None:
    model, (inputs, _) = build(perceptron), examples(20)
    found = susceptibility(model, inputs, learning_rate=0.1, batch_size=20, repetitions=1)
    assert np.isnan([found.low, found.high]).all()
    assert np.isfinite(found.value)


@pytest.mark.parametrize("options", [{"batch_size": 21}, {"batch_size": 0}, {"repetitions": 0}, {"learning_rate": 0.0}])
def test_refusals(options: dict[str, float]) -> None:
    model, (inputs, _) = build(perceptron), examples(20)
    with pytest.raises(
        InvalidData, match=r"susceptibility was given 20 inputs, batch_size=.*no fewer inputs than a batch"
    ):
        susceptibility(model, inputs, **{"learning_rate": 0.1, "batch_size": 4, **options})
