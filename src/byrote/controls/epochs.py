"""Epochs: how often a run sees its examples (early stopping at a fixed time; Arpit et al., 2017, arXiv:1706.05394)."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from byrote.controls.control import Control, check_knob
from byrote.errors import InvalidData
from byrote.task.task import Task


@dataclass(frozen=True)
class epochs(Control):
    """Sets the number of epochs: a whole number is that number, a number with a point a factor of what the recipe has.

    `epochs(10)` are ten, `epochs(0.5)` half as many, one at least. Networks learn patterns before they memorize, so few
    epochs are the cheapest remedy there is; rare examples are learned late and are lost too. Schedules follow: a learning rate
    that falls to 0 does so within the new number.
    """

    number: int | float
    name: ClassVar[str] = "epochs"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = (0.75, 0.5, 0.25)

    def __post_init__(self) -> None:
        check_knob(self, "number", self.number)
        if not self.number > 0:
            raise InvalidData(f"{self.name}(number={self.number!r}) trains nothing. Give a number above 0.")

    def change(self, task: Task) -> Task:
        """Return the task with this number of epochs."""
        now = task.recipe.epochs
        number = self.number if isinstance(self.number, int) else max(1, round(self.number * now))
        return replace(task, recipe=replace(task.recipe, epochs=number))
