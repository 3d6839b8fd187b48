"""Clipping of each example is a loop over examples, for every kind of network, and keeps weights, transforms and losses."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from byrote.controls import clip_each, early_learning_regularization, l2, label_smoothing, sam, trim, winsorize
from byrote.errors import InvalidData
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.methods import Mixing, Transform
from byrote.task.task import Task
from byrote.training.planning import choose
from controls.by_hand import by_hand, clipped_sum, each_gradient, gradients, set_gradients, trained
from small import small_task

NORM = 0.4


def task(**changes: Any) -> Task:
    base = small_task(epochs=2, n=50)
    return replace(base, recipe=replace(base.recipe, momentum=0.0), **changes)


def convolution() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 3, 3), nn.GroupNorm(1, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4)
    )


def rows() -> nn.Module:
    """Dense layers along the rows of a picture, in place of its whole; the last one has no bias."""
    return nn.Sequential(nn.Linear(8, 5), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(40, 4, bias=False))


class Twice(nn.Module):
    """Calls a layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(torch.relu(self.first(x.flatten(1)))))


def clip_by_hand(model: nn.Module, x: Tensor, y: Tensor) -> None:
    set_gradients(model, [g / len(x) for g in clipped_sum(each_gradient(model, x, y), NORM)])


@pytest.mark.parametrize("model", [None, convolution, rows, Twice], ids=["dense", "convolution", "rows", "twice"])
def test_it_is_the_loop_over_examples(model: Any) -> None:
    base = task() if model is None else task(model=model)
    expected = by_hand(base, clip_by_hand)
    np.testing.assert_allclose(trained(clip_each(NORM)(base))[0], expected, rtol=1e-3, atol=1e-4)
    assert not np.allclose(trained(base)[0], expected, rtol=0.05)


def test_a_bound_that_no_example_reaches_changes_nothing() -> None:
    np.testing.assert_allclose(trained(clip_each(1e6)(task())), trained(task()), rtol=1e-3, atol=1e-5)


def test_losses_and_penalties_are_those_of_the_other_controls() -> None:
    def smooth(model: nn.Module, x: Tensor, y: Tensor) -> None:
        found = [
            gradients(model, functional.cross_entropy(model(x[i : i + 1]), y[i : i + 1], label_smoothing=0.3))
            for i in range(len(x))
        ]
        total = clipped_sum(found, NORM)
        set_gradients(model, [g / len(x) + 0.1 * w.detach() for g, w in zip(total, model.parameters(), strict=True)])

    for base in (task(), task(model=convolution)):
        changed = clip_each(NORM)(l2(0.1)(label_smoothing(0.3)(base)))
        np.testing.assert_allclose(trained(changed)[0], by_hand(base, smooth), rtol=1e-3, atol=1e-4)


@dataclass(frozen=True)
class Halved(Transform):
    """Halves the inputs."""

    strength: float = 1.0
    name: ClassVar[str] = "halved"

    def transform(self, inputs: Any, strength: float, seed: int) -> Any:
        return inputs / 2


@dataclass(frozen=True)
class Mixed(Mixing):
    """Would mix."""

    strength: float = 1.0
    name: ClassVar[str] = "mixed"


def test_transforms_act_on_the_gradients_of_examples() -> None:
    base = clip_each(NORM)(task())
    changed = replace(base, recipe=base.recipe.with_method(Halved()))

    def halve(model: nn.Module, x: Tensor, y: Tensor) -> None:
        clip_by_hand(model, x / 2, y)

    np.testing.assert_allclose(trained(changed)[0], by_hand(task(), halve), rtol=1e-3, atol=1e-4)


def test_weights_of_examples_weigh_their_gradients_before_they_are_clipped() -> None:
    weights = np.linspace(0.1, 1.9, 50)
    base = task()
    base = replace(base, train=Examples(base.train.inputs, base.train.labels, weights=weights))
    by_input = {x.tobytes(): w for x, w in zip(base.train.inputs, weights, strict=True)}

    def weigh(model: nn.Module, x: Tensor, y: Tensor) -> None:
        own = [by_input[(each * 255).round().byte().numpy().tobytes()] for each in x]
        found = [[w * g for g in each] for w, each in zip(own, each_gradient(model, x, y), strict=True)]
        set_gradients(model, [g / len(x) for g in clipped_sum(found, NORM)])

    np.testing.assert_allclose(trained(clip_each(NORM)(base))[0], by_hand(base, weigh), rtol=1e-3, atol=1e-4)


def test_runs_are_planned_one_by_one() -> None:
    base = small_task()
    population = plant(base, Canaries(), 0)
    assert choose(base.model, population, base.recipe, runs=32).pack > 1  # type: ignore[arg-type]
    changed = clip_each(1.0)(base)
    assert choose(base.model, population, changed.recipe, runs=32).pack == 1  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="trained one by one"):
        trained(changed, 2)


@pytest.mark.parametrize("other", [trim(0.1), early_learning_regularization(1.0), sam(0.1), winsorize(0.1)], ids=str)
def test_what_makes_examples_depend_on_each_other_is_refused_in_either_order(other: Any) -> None:
    for first, second in ((clip_each(1.0), other), (other, clip_each(1.0))):
        with pytest.raises(InvalidData, match="gradient of each example by itself, and cannot be used with"):
            second(first(small_task()))


def test_mixed_examples_and_batch_norm_are_refused() -> None:
    with pytest.raises(InvalidData, match="cannot be used with"):
        clip_each(1.0)(small_task()).recipe.with_method(Mixed())
    with pytest.raises(InvalidData, match=r"'2' of the model is batch norm"):
        clip_each(1.0)(
            task(model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)))
        )
