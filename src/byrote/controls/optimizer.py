"""Optimizer: the rule that changes weights by their gradients (torch.optim)."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from byrote.controls.control import Control
from byrote.errors import ByroteError, InvalidData
from byrote.task.recipe import Recipe
from byrote.task.task import Task


@dataclass(frozen=True)
class optimizer(Control):
    """Sets the recipe's optimizer, one of torch.optim by its name in small letters, with options: 'sgd(nesterov=True)'.

    Learning rates do not carry over: a rate that suits Adam is small for SGD, and what then looks like less memorization is
    less training. Give `learning_rate` with it, and compare at the same accuracy.
    """

    rule: str
    name: ClassVar[str] = "optimizer"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = ("adamw", "sgd")

    def __post_init__(self) -> None:
        try:
            Recipe(optimizer=self.rule)
        except ByroteError as error:
            raise InvalidData(f"optimizer(rule={self.rule!r}): {error}") from None

    def change(self, task: Task) -> Task:
        """Return the task with this optimizer."""
        return replace(task, recipe=replace(task.recipe, optimizer=self.rule))
