"""Learning rate: how far an update moves the weights (Li et al., 2019, arXiv:1907.04595)."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from byrote.controls.control import Control, check_knob
from byrote.task.schedule import Knob
from byrote.task.task import Task


@dataclass(frozen=True)
class learning_rate(Control):
    """Sets the recipe's learning rate, a number or a schedule: 0 learns nothing.

    A large rate at the start learns frequent, simple patterns first, and one that falls to 0 lets the rest be memorized at
    the end (Li et al.); a small one memorizes little in few epochs because it learns little. So compare rates at the same
    accuracy. Which end is strong depends on the number of epochs.
    """

    rate: Knob
    name: ClassVar[str] = "learning_rate"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = (1e-3, 1e-2, 1e-1)

    def __post_init__(self) -> None:
        check_knob(self, "rate", self.rate)

    def change(self, task: Task) -> Task:
        """Return the task with this learning rate."""
        return replace(task, recipe=replace(task.recipe, learning_rate=self.rate))
