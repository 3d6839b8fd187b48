"""Recipe: frozen values that say how to train. Task: a recipe with a model and the examples it is about."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from rote.errors import InvalidData, RoteError, unknown
from rote.examples import Examples
from rote.fit import Fit
from rote.signature import parse_call, spell

if TYPE_CHECKING:
    from torch import nn


def _usable(number: object) -> bool:
    return isinstance(number, float | int) and bool(np.isfinite(number)) and number >= 0


@dataclass(frozen=True)
class Schedule:
    """A knob that changes: from `start` to `end` along `shape`, after a linear warm-up over the share `warmup`."""

    start: float
    end: float = 0.0
    shape: Literal["linear", "cosine"] = "linear"
    warmup: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if not _usable(value):
                raise InvalidData(f"A schedule with {name}={value!r} cannot train. Give a number, 0 or more.")
        if not _usable(self.warmup) or self.warmup > 1:
            raise InvalidData(f"A schedule cannot warm up over warmup={self.warmup!r}. Give a share from 0 to 1.")
        if self.shape not in ("linear", "cosine"):
            raise unknown("schedule", str(self.shape), ("linear", "cosine"))

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`, the share of all optimizer steps that is done, from 0 to 1."""
        if progress < self.warmup:
            return self.start * progress / self.warmup
        left = 1 - (progress - self.warmup) / max(1 - self.warmup, 1e-12)
        weight = left if self.shape == "linear" else 0.5 * (1 - np.cos(np.pi * left))
        return float(self.end + (self.start - self.end) * weight)

    def __str__(self) -> str:
        values = {"start": self.start, "end": self.end, "warmup": self.warmup}
        return spell(self.shape, {k: v for k, v in values.items() if v or k == "start"})


def linear(start: float, end: float = 0.0, *, warmup: float = 0.0) -> Schedule:
    """Return a schedule that falls (or rises) in a straight line."""
    return Schedule(start, end, "linear", warmup)


def cosine(start: float, end: float = 0.0, *, warmup: float = 0.0) -> Schedule:
    """Return a schedule that follows half a cosine."""
    return Schedule(start, end, "cosine", warmup)


def at(knob: float | Schedule, progress: float) -> float:
    """Return the value of a knob at this share of the training."""
    return knob(progress) if isinstance(knob, Schedule) else knob


@dataclass(frozen=True)
class Recipe:
    """How to train: values only, so that it can be printed, compared, hashed and changed by a control.

    `epochs` are passes over the run's training set, `batch_size` examples share an optimizer step, `learning_rate` and
    `weight_decay` are numbers or schedules. `evaluate_every` n adds a clean pass over test examples and canaries
    every n epochs, for learning curves (0: at the end only). `momentum` is SGD's. Raises InvalidData for values that
    cannot train.
    """

    epochs: int = 20
    batch_size: int = 64
    optimizer: Literal["sgd", "adamw"] = "adamw"
    learning_rate: float | Schedule = Schedule(0.001)
    momentum: float = 0.9
    weight_decay: float | Schedule = 0.0
    evaluate_every: int = 1

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("evaluate_every", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InvalidData(f"{name}={value!r} cannot train. Give a whole number, {least} or more.")
        for name in ("learning_rate", "momentum", "weight_decay"):
            value = getattr(self, name)
            if not _usable(value) and (name == "momentum" or not isinstance(value, Schedule)):
                raise InvalidData(f"{name}={value!r} cannot train. Give a number, 0 or more.")
        if self.optimizer not in ("sgd", "adamw"):
            raise unknown("optimizer", str(self.optimizer), ("sgd", "adamw"))

    def __str__(self) -> str:
        return spell("recipe", self.values())

    def values(self) -> dict[str, float | int | str]:
        """Return every field as it is spelled in files."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: str(v) if isinstance(v, Schedule) else v for k, v in named.items()}


def parse_schedule(text: str) -> float | Schedule:
    """Read a knob from its text: `0.05` or `cosine(start=0.05)`."""
    try:
        return float(text)
    except ValueError:
        name, options = parse_call(text)
    shapes = {"linear": linear, "cosine": cosine}
    if name not in shapes:
        raise unknown("schedule", name, shapes)
    try:
        return shapes[name](**options)
    except TypeError as error:
        raise RoteError(f"{text!r} is not a schedule: {error}. Write it like 'cosine(start=0.05)'.") from None


@dataclass(frozen=True, eq=False)
class Task:
    """What an audit is about: a model factory, examples to learn from, examples to be tested on, and a recipe.

    `model()` returns a fresh `torch.nn.Module` that maps a batch of inputs to one logit per class. Or else it is a
    `rote.Fit`, which trains a model of any kind in its own way, without a recipe. `classes` are names to show (default:
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
                raise InvalidData(f"Task.{part} must be rote.Examples, but it is {type(value).__name__}.")
        if not isinstance(cast("object", self.recipe), Recipe):
            raise InvalidData(f"Task.recipe must be rote.Recipe, but it is {type(self.recipe).__name__}.")
        if isinstance(self.model, Fit):
            if self.recipe != Recipe():
                raise InvalidData(
                    f"A rote.Fit trains in its own way, and {self.recipe} would change nothing. Leave the recipe out."
                )
        elif not callable(self.model) or _is_module(self.model):
            raise InvalidData(
                "Task.model must be a function that returns a fresh model, or a rote.Fit. Give the class or a lambda, not a model."
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
