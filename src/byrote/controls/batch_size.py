"""Batch size: how many examples an update is the mean over (Keskar et al., 2017, arXiv:1609.04836)."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from byrote.controls.control import Control, check_count
from byrote.task.task import Task


@dataclass(frozen=True)
class batch_size(Control):
    """Sets the recipe's batch size, at the same number of epochs and learning rate.

    Smaller batches make noisier and more updates. Noise is said to favour flat minima; more updates mean a longer training,
    in which more is memorized. Which of the two wins depends on the recipe: change `learning_rate` in proportion to
    separate them, and look at the direction that was found rather than at the one that is expected.
    """

    size: int
    name: ClassVar[str] = "batch_size"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = (256, 64, 16)

    def __post_init__(self) -> None:
        check_count(self, "size", self.size)

    def change(self, task: Task) -> Task:
        """Return the task with this batch size."""
        return replace(task, recipe=replace(task.recipe, batch_size=self.size))
