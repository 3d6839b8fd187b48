"""Task: what an audit is about."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from byrote.errors import InvalidData
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, eq=False)
class Task:
    """What an audit is about: a model factory, examples to learn from, examples to be tested on, and a recipe.

    `model()` returns a fresh `torch.nn.Module` that maps a batch of inputs to one logit per class. Or else it is a
    `byrote.Fit`, which trains a model of any kind in its own way, without a recipe. `classes` are names to show (default:
    the indices). Raises InvalidData when the parts do not fit each other.
    """

    model: "Callable[[], nn.Module] | Fit"
    train: Examples
    test: Examples
    recipe: Recipe = Recipe()
    classes: tuple[str, ...] = ()
    name: str = "task"

    def __post_init__(self) -> None:
        for part, value in (("train", self.train), ("test", self.test)):
            if not isinstance(cast("object", value), Examples):
                raise InvalidData(f"Task.{part} must be byrote.Examples, but it is {type(value).__name__}.")
        if not isinstance(cast("object", self.recipe), Recipe):
            raise InvalidData(f"Task.recipe must be byrote.Recipe, but it is {type(self.recipe).__name__}.")
        if isinstance(self.model, Fit):
            if self.recipe != Recipe():
                raise InvalidData(
                    f"A byrote.Fit trains in its own way, and {self.recipe} would change nothing. Leave the recipe out."
                )
        elif not callable(self.model) or _is_module(self.model):
            raise InvalidData(
                "Task.model must be a function that returns a fresh model, or a byrote.Fit. Give the class or a lambda, not a model."
            )
        if self.train.inputs.shape[1:] != self.test.inputs.shape[1:]:
            raise InvalidData(
                f"Training inputs have shape {self.train.inputs.shape[1:]} and test inputs {self.test.inputs.shape[1:]}. They must be equal."
            )
        if self.train.inputs.dtype != self.test.inputs.dtype:
            raise InvalidData(
                f"Training inputs are {self.train.inputs.dtype} and test inputs {self.test.inputs.dtype}. Give both the same type."
            )
        present = len(np.unique(self.train.labels))
        if present < 2:
            raise InvalidData(
                f"All {len(self.train)} training examples have label {self.train.labels[0]}. An audit needs two classes or more."
            )
        if not self.classes:
            top = int(max(self.train.labels.max(), self.test.labels.max()))
            if top >= len(self.train) + len(self.test):
                raise InvalidData(
                    f"Label {top} is larger than the number of examples. Map the classes to 0, 1, 2 ... or name them all in `classes`."
                )
            object.__setattr__(self, "classes", tuple(str(i) for i in range(top + 1)))
        for part, value in (("train", self.train), ("test", self.test)):
            if value.labels.max() >= len(self.classes):
                where = int(np.argmax(value.labels))
                raise InvalidData(
                    f"Label {value.labels[where]} of {part} example {str(value.ids[where])!r} is out of range: "
                    f"{len(self.classes)} classes have labels 0 to {len(self.classes) - 1}."
                )


def _is_module(model: object) -> bool:
    """Return whether this is a model, which is callable too but gives no fresh one. Its class is only known once torch is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)
