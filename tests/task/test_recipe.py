from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Classification
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import Schedule, at, cosine, linear, parse_schedule
from byrote.task.signals import Signals
from byrote.task.task import Task

INPUTS = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = [0, 1, 2, 1]
EXAMPLES = Examples(INPUTS, LABELS)


def model() -> nn.Module:
    return nn.Linear(3, 3)


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (linear(0.4), [0.4, 0.3, 0.2, 0.1, 0.0]),
        (linear(0.4, 0.2), [0.4, 0.35, 0.3, 0.25, 0.2]),
        (linear(0.1, 0.5), [0.1, 0.2, 0.3, 0.4, 0.5]),
        (linear(0.4, warmup=0.5), [0.0, 0.2, 0.4, 0.2, 0.0]),
        (linear(0.4, warmup=1.0), [0.0, 0.1, 0.2, 0.3, 0.4]),
        (cosine(1.0), [1.0, 0.5 + 0.125**0.5, 0.5, 0.5 - 0.125**0.5, 0.0]),
        (cosine(1.0, 0.5, warmup=0.5), [0.0, 0.5, 1.0, 0.75, 0.5]),
    ],
    ids=str,
)
def test_a_schedule_goes_from_start_to_end(schedule: Schedule, values: list[float]) -> None:
    found = [at(schedule, Signals(progress)) for progress in (0, 0.25, 0.5, 0.75, 1)]
    np.testing.assert_allclose(found, values, atol=1e-12)


def test_a_number_is_a_knob_that_stays() -> None:
    assert at(0.3, Signals(0.0)) == at(0.3, Signals(0.9)) == 0.3


NUMBERS = st.floats(0, 1e6, allow_nan=False)


@given(st.builds(Schedule, NUMBERS, NUMBERS, st.sampled_from(["linear", "cosine"]), st.floats(0, 1)))
def test_its_text_is_the_schedule(schedule: Schedule) -> None:
    assert parse_schedule(str(schedule)) == schedule


@given(NUMBERS)
def test_the_text_of_a_number_is_the_number(number: float) -> None:
    assert parse_schedule(str(number)) == number


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("step(start=0.1)", "no schedule named 'step'"),
        ("cosin(start=0.1)", "Did you mean 'cosine'"),
        ("cosine(begin=0.1)", "'cosine.begin=0.1.' is not a schedule.*Write it like"),
        ("cosine", "is not a schedule.*start"),
        ("cosine(0.1)", "not a name with options"),
        ("linear(start='fast')", "start='fast' cannot train"),
    ],
)
def test_what_is_not_a_schedule_is_refused(text: str, told: str) -> None:
    with pytest.raises(ByroteError, match=told):
        parse_schedule(text)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"start": float("nan")}, "start=nan cannot train"),
        ({"start": -1.0}, r"start=-1\.0 cannot train"),
        ({"start": 0.1, "end": float("inf")}, "end=inf cannot train"),
        ({"start": 0.1, "end": -0.1}, r"end=-0\.1 cannot train"),
        ({"start": 0.1, "warmup": 1.5}, r"warmup=1\.5"),
        ({"start": 0.1, "warmup": -0.5}, r"warmup=-0\.5"),
        ({"start": 0.1, "shape": "cosin"}, "Did you mean 'cosine'"),
    ],
)
def test_a_schedule_that_cannot_train_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ByroteError, match=told):
        Schedule(**options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"epochs": 0}, "epochs=0 cannot train. Give a whole number, 1 or more"),
        ({"epochs": 2.5}, r"epochs=2\.5 cannot train"),
        ({"batch_size": -4}, "batch_size=-4 cannot train"),
        ({"evaluate_every": -1}, "evaluate_every=-1 cannot train. Give a whole number, 0 or more"),
        ({"learning_rate": float("nan")}, "learning_rate=nan cannot train"),
        ({"learning_rate": "0.1"}, "learning_rate='0.1' cannot train"),
        ({"weight_decay": -0.1}, r"weight_decay=-0\.1 cannot train"),
        ({"momentum": float("inf")}, "momentum=inf cannot train"),
        ({"momentum": linear(0.9)}, "momentum=.* cannot train"),
        ({"optimizer": "adamm"}, "no optimizer named 'adamm'. Did you mean 'adam"),
        ({"optimizer": "adam(lr=0.1)"}, "sets lr. Give it to the recipe"),
        ({"optimizer": "adam("}, "is not a name with options"),
        ({"clip_norm": 0.0}, r"clip_norm=0\.0 cannot train"),
        ({"accumulate": 0}, "accumulate=0 cannot train"),
        ({"learning_rate": lambda signals: 0.1}, "has no name to be recorded by"),
    ],
)
def test_a_recipe_that_cannot_train_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ByroteError, match=told):
        Recipe(**options)


def test_a_recipe_is_spelled() -> None:
    recipe = Recipe(epochs=3, learning_rate=cosine(0.1, warmup=0.25))
    assert recipe.values()["learning_rate"] == "cosine(start=0.1, warmup=0.25)"
    assert str(recipe).startswith("recipe(epochs=3, batch_size=64, optimizer='adamw'")


def test_classes_are_named_by_their_indices_unless_given() -> None:
    assert Task(model, EXAMPLES, EXAMPLES).classes == ("0", "1", "2")
    assert Task(model, EXAMPLES, Examples(INPUTS, [0, 1, 4, 1])).classes == ("0", "1", "2", "3", "4")
    assert Task(model, EXAMPLES, EXAMPLES, classes=("a", "b", "c")).classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"train": (INPUTS, LABELS)}, "Task.train must be byrote.Examples, but it is tuple"),
        ({"test": 3}, "Task.test must be byrote.Examples, but it is int"),
        ({"recipe": {"epochs": 3}}, "Task.recipe must be byrote.Recipe, but it is dict"),
        ({"model": nn.Linear(3, 3)}, "Task.model must be a function that returns a fresh model"),
        ({"model": "resnet18"}, "Task.model must be a function that returns a fresh model"),
        ({"test": Examples(INPUTS[:, :2], LABELS)}, r"inputs are float32 \[3\] and test inputs float32 \[2\]"),
        ({"test": Examples(INPUTS.astype(np.uint8), LABELS)}, r"inputs are float32 \[3\] and test inputs uint8 \[3\]"),
        ({"train": Examples(INPUTS, [1, 1, 1, 1])}, "All 4 training examples have label 1"),
        ({"classes": ("a", "b")}, "Label 2 of train example '2' is out of range: 2 classes have labels 0 to 1"),
        (
            {"classes": ("a", "b", "c"), "test": Examples(INPUTS, [0, 7, 1, 1], ["x", "y", "z", "w"])},
            "Label 7 of test example 'y' is out of range: 3 classes have labels 0 to 2",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: dict[str, Any], told: str) -> None:
    task = Task(model, EXAMPLES, EXAMPLES)
    with pytest.raises(InvalidData, match=told):
        replace(task, **{"classes": (), "objective": Classification(), **parts})


def test_one_example_can_be_all_the_test_there_is() -> None:
    assert len(Task(model, EXAMPLES, EXAMPLES[np.array([1])]).test) == 1


def test_a_stray_huge_label_is_refused_before_it_costs_memory() -> None:
    x = np.zeros((4, 2), np.float32)
    with pytest.raises(InvalidData, match="Label 1000000000 is larger than the number of examples"):
        Task(lambda: None, Examples(x, [0, 1, 0, 10**9]), Examples(x, [0, 1, 0, 1]))  # type: ignore[arg-type]


def test_momentum_is_spelled_where_it_trains() -> None:
    adam, sgd = Recipe(), Recipe(optimizer="sgd(nesterov=True)")
    assert "momentum" not in str(adam)
    assert "momentum=0.9" in str(sgd)
    assert Recipe.parse(adam.values()) == adam
    assert Recipe.parse(sgd.values()) == sgd
