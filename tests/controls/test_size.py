"""Width and depth: a factory's parameter is set, what is built has that size, and a factory without one is told how."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from byrote.controls import apply, parse_control
from byrote.controls.control import Control
from byrote.controls.depth import depth
from byrote.controls.dropout import dropout
from byrote.controls.width import width
from byrote.errors import InvalidData
from byrote.task.models import cnn, mlp, suited
from small import small_task


class Own(nn.Sequential):
    """A class with parameters is a factory too."""

    def __init__(self, width: int = 8, depth: int = 3) -> None:
        hidden = [layer for _ in range(depth - 1) for layer in (nn.Linear(width, width), nn.ReLU())]
        super().__init__(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), *hidden, nn.Linear(width, 4))


def own(width: int = 8, depth: int = 3) -> nn.Module:
    return Own(width, depth)


def by_multiplier(width: float = 1.0) -> nn.Module:
    return Own(round(8 * width))


def shapes(make: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in make().parameters() if weight.ndim == 2]


FACTORIES: list[Callable[..., nn.Module]] = [Own, own, partial(own, depth=3), partial(mlp, (8, 8), 4, width=8, depth=3)]


@pytest.mark.parametrize("make", FACTORIES)
def test_width_and_depth_are_those_of_the_model_built_by_hand(make: Callable[..., nn.Module]) -> None:
    task = replace(small_task(), model=make)
    assert shapes(width(2)(task).model) == shapes(lambda: Own(16, 3))
    assert shapes(width(0.01)(task).model) == shapes(lambda: Own(1, 3))
    assert shapes(depth(2)(task).model) == shapes(lambda: Own(8, 5))
    assert shapes(depth(-1)(task).model) == shapes(lambda: Own(8, 2))
    both = apply([width(0.5), depth(1), width(3)], task)
    assert shapes(both.model) == shapes(lambda: Own(12, 4))
    assert both.controls == ("width(factor=0.5)", "depth(layers=1)", "width(factor=3)")


def test_a_width_that_is_a_multiplier_is_multiplied() -> None:
    assert shapes(width(1.5)(replace(small_task(), model=by_multiplier)).model) == shapes(lambda: Own(12))


@pytest.mark.parametrize("resize", [width(2), depth(1)], ids=str)
def test_they_reach_the_factory_behind_another_control(resize: Control) -> None:
    task = replace(small_task(), model=own)
    first, last = resize(dropout(0.5)(task)), dropout(0.5)(resize(task))
    assert repr(first.model()) == repr(last.model())  # type: ignore[operator]
    assert shapes(first.model) == shapes(resize(task).model)


@pytest.mark.parametrize(("text", "name"), [("width(2)", "width"), ("depth(1)", "depth")])
def test_a_factory_without_the_parameter_is_told_how_to_write_one(text: str, name: str) -> None:
    task = replace(small_task(), model=lambda: mlp((8, 8), 4))
    with pytest.raises(InvalidData, match=rf"has none. Write it with one, like `def model\({name}=8\): ...`"):
        parse_control(text)(task)


def test_a_parameter_that_is_not_used_and_a_size_that_cannot_be_are_refused() -> None:
    def ignores(width: int = 8, depth: int = 3) -> nn.Module:
        return Own()

    with pytest.raises(InvalidData, match="has as many weights as before"):
        width(2)(replace(small_task(), model=ignores))
    with pytest.raises(InvalidData, match=r"depth\(layers=-2\): A model with depth=-1 cannot be built"):
        depth(-2)(replace(small_task(), model=suited((8, 8), 4)))
    for bad in ("width(0)", "width(linear(1))", "depth(0.5)", "width('2')"):
        with pytest.raises(InvalidData):
            parse_control(bad)


def test_the_built_in_models_are_what_they_were_bit_for_bit() -> None:
    """Oracle: the models as they were written before they had a depth."""

    def old_cnn() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.Linear(32 * 3 * 4, 256), nn.Linear(256, 7),
        )  # fmt: skip

    def old_mlp() -> nn.Module:
        return nn.Sequential(nn.Linear(35, 512), nn.Linear(512, 7))

    for new, old in ((suited((3, 9, 14), 7), old_cnn), (suited((35,), 7), old_mlp)):
        state: list[list[torch.Tensor]] = []
        for make in (new, old):
            torch.manual_seed(3)
            state.append(list(make().parameters()))
        assert len(state[0]) == len(state[1])
        assert all(torch.equal(a, b) for a, b in zip(*state, strict=True))
    assert [name for name, _ in suited((3, 9, 14), 7)().named_parameters()][::2] == [
        "1.weight",
        "3.weight",
        "6.weight",
        "8.weight",
    ]
    assert "ReLU" in repr(cnn((8, 8), 4, depth=2)[9])  # type: ignore[index]
