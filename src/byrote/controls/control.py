"""Control: a remedy against memorization, or the opposite, as a value that makes another task of a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

from byrote.errors import InvalidData
from byrote.task.fit import Fit
from byrote.task.methods import Method
from byrote.task.schedule import Knob, Schedule
from byrote.task.signals import Controller
from byrote.task.task import Task


@dataclass(frozen=True)
class Control:
    """A change of how a task is trained: `control(task)` is the changed task, and `str(control)` its identity.

    The first field is its strength, and at `zero` it returns the task itself. A control raises InvalidData when it cannot
    act on this task, before anything is trained.
    """

    name: ClassVar[str]
    zero: ClassVar[float | None] = 0.0
    """The strength at which it changes nothing; None where there is no such strength."""
    strengths: ClassVar[tuple[Any, ...]] = ()
    """Strengths worth trying, from weak to strong."""

    def __call__(self, task: Task) -> Task:
        """Return the changed task, which names its controls in `task.controls`."""
        if self.leaves(task):
            return task
        if isinstance(task.model, Fit):
            self.refuse_fit(task)
        changed = self.change(task)
        return replace(changed, controls=(*task.controls, str(self)))

    @property
    def strength(self) -> Any:
        """How much it changes: the value of the first field."""
        return getattr(self, fields(self)[0].name) if fields(self) else None

    @property
    def is_zero(self) -> bool:
        """Whether it changes nothing."""
        return self.zero is not None and isinstance(self.strength, int | float) and self.strength == self.zero

    def leaves(self, task: Task) -> bool:
        """Return whether it changes nothing of this task: at `zero`, unless a control knows of something in it."""
        return self.is_zero

    def change(self, task: Task) -> Task:
        """Return the changed task; raise InvalidData when the control cannot act on it."""
        raise NotImplementedError

    def at(self, strength: Any) -> Self:
        """Return the same control with another strength."""
        return replace(self, **{fields(self)[0].name: strength})

    def refuse_fit(self, task: Task) -> None:
        """Raise InvalidData: a training function of the user's own cannot be changed. Controls of the data override it."""
        raise InvalidData(
            f"{self} changes how a torch model is trained, and the task {task.name!r} learns by a byrote.Fit. "
            "Make the change in its function, or give a control of the data."
        )

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{f.name}={spelled(getattr(self, f.name))}' for f in fields(self))})"


class MethodControl(Control, Method):
    """A control that acts within training: it joins the methods of the recipe."""

    zero: ClassVar[float] = 0.0  # pyright: ignore[reportIncompatibleVariableOverride]

    def change(self, task: Task) -> Task:
        """Return the task with this method in its recipe; raise InvalidData when it has one of the same name."""
        self.check(task)
        return replace(task, recipe=task.recipe.with_method(self))

    def check(self, task: Task) -> None:
        """Raise InvalidData when the method cannot act on this task."""


def spelled(value: Any) -> str:
    """Return the text of an option, which `parse_control` reads back."""
    if isinstance(value, Schedule | Control | Controller):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {spelled(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "(" + ", ".join(map(spelled, value)) + ("," if len(value) == 1 else "") + ")"
    return repr(value)


def check_knob(control: Control, name: str, knob: Knob, most: float = float("inf"), least: float = 0.0) -> None:
    """Raise InvalidData unless a knob is a number within bounds, a schedule whose ends are, or a controller."""
    ends: tuple[object, ...] = (knob.start, knob.end) if isinstance(knob, Schedule) else (knob,)
    for value in ends:
        if isinstance(value, bool) or not isinstance(value, float | int):
            fine = isinstance(value, Controller) and callable(value) and not isinstance(value, str | bool)
        else:
            fine = bool(np.isfinite(value)) and least <= value <= most
        if not fine:
            bounds = f"from {least:g} to {most:g}" if np.isfinite(most) else f"{least:g} or more"
            raise InvalidData(f"{control.name}({name}={value!r}) cannot train. Give a number, {bounds}.")


def check_number(control: Control, name: str, value: Any, least: float = 0.0, most: float = float("inf")) -> None:
    """Raise InvalidData unless an option is a finite number within bounds."""
    number = isinstance(value, float | int | np.number) and not isinstance(value, bool)
    if not (number and np.isfinite(value) and least <= value <= most):
        bounds = f"from {least:g} to {most:g}" if np.isfinite(most) else f"{least:g} or more"
        raise InvalidData(f"{control.name}({name}={value!r}) means nothing. Give a number, {bounds}.")


def check_count(control: Control, name: str, value: object) -> None:
    """Raise InvalidData unless an option is a whole number, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidData(f"{control.name}({name}={value!r}) cannot train. Give a whole number, 1 or more.")


def check_classes(control: Control, task: Task) -> None:
    """Raise InvalidData unless the task learns classes."""
    if task.learned.name != "classification":
        raise InvalidData(
            f"{control.name} is for classification, and the task {task.name!r} learns {task.learned.name}. Give another control."
        )
