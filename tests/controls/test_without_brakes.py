"""Without brakes: every kind of brake is off, it is said which, and what comes after it acts."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from byrote.controls import CONTROLS, apply, parse_control
from byrote.controls.without_brakes import without_brakes
from byrote.errors import InvalidData
from byrote.objectives import Classification
from byrote.task.methods import Method
from byrote.task.models import mlp
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task
from controls.cases import CASES
from small import small_task


def regulated() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.4, batch_first=True)
    return nn.Sequential(layer, nn.Dropout(0.3), nn.Flatten(), nn.Linear(64, 4))


def plain() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    return nn.Sequential(layer, nn.Dropout(0.0), nn.Flatten(), nn.Linear(64, 4))


def braked() -> Task:
    recipe = Recipe(epochs=3, batch_size=16, learning_rate=linear(0.2), weight_decay=0.01)
    return replace(small_task(), model=regulated, recipe=recipe, objective=Classification(label_smoothing=0.1))


def test_a_task_with_brakes_becomes_the_task_without() -> None:
    """Oracle: the same task as one writes it without brakes; models are equal in what they say while they are trained."""
    free = without_brakes()(braked())
    assert free.recipe == Recipe(epochs=9, batch_size=16, learning_rate=linear(0.2))
    assert free.learned == Classification(4)
    said: list[torch.Tensor] = []
    for make in (free.model, plain):
        torch.manual_seed(0)
        said.append(make().train()(torch.ones(2, 8, 8)))  # type: ignore[operator]
    torch.testing.assert_close(*said)


def test_it_says_what_it_switched_off() -> None:
    task = parse_control("flooding(0.1)")(braked())
    lines = without_brakes().switched_off(task)
    assert lines == (
        "weight decay 0.01 to 0",
        "flooding(level=0.1) off",
        "dropout 0.4 of 0.self_attn to 0",
        "dropout 0.4 of 0.dropout to 0",
        "dropout 0.4 of 0.dropout1 to 0",
        "dropout 0.4 of 0.dropout2 to 0",
        "dropout 0.3 of 1 to 0",
        "label smoothing 0.1 to 0",
        "3 to 9 epochs",
        "the width stays: the model's factory has no parameter `width`",
    )
    wide = replace(small_task(), model=partial(mlp, (8, 8), 4, width=32))
    assert without_brakes().switched_off(wide) == ("3 to 9 epochs", "width 32 to 64")
    assert not without_brakes(1, 1).switched_off(wide)


@pytest.mark.parametrize("name", [name for name, control in CONTROLS.items() if issubclass(control, Method)])
def test_no_method_of_another_control_is_left_and_what_comes_after_acts(name: str) -> None:
    brake, off = CASES[name].strong, without_brakes()
    before, after = apply([brake, off], CASES[name].base()), apply([off, brake], CASES[name].base())
    assert before.recipe.methods == ()
    assert [method.name for method in after.recipe.methods] == [name]
    assert before.controls == (str(brake), str(off))


def test_a_dropout_that_was_inserted_is_off() -> None:
    task = apply([parse_control("dropout(0.5)"), without_brakes(1, 1)], small_task())
    network: Any = task.model()  # type: ignore[operator]
    network.train()
    inputs = torch.from_numpy(np.random.default_rng(0).random((3, 8, 8), np.float32))
    assert torch.equal(network(inputs), network.eval()(inputs))


def test_impossible_strengths_are_refused() -> None:
    for bad in ((0, 2), (3, 0), (linear(2), 2)):
        with pytest.raises(InvalidData):
            without_brakes(*bad)  # type: ignore[arg-type]
