"""Weight decay: weights shrink at each update (Krogh & Hertz, 1991; decoupled: Loshchilov & Hutter, 2019, arXiv:1711.05101)."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from byrote.controls.control import Control, check_knob
from byrote.task.schedule import Knob
from byrote.task.task import Task


@dataclass(frozen=True)
class weight_decay(Control):
    """Sets the recipe's weight decay: 0 is none. Coupled (L2) with SGD and Adam, decoupled with AdamW, as in torch.optim."""

    decay: Knob
    name: ClassVar[str] = "weight_decay"
    zero: ClassVar[float | None] = None  # it sets a value, also that of 0
    strengths: ClassVar[tuple[Any, ...]] = (1e-3, 1e-2, 1e-1)

    def __post_init__(self) -> None:
        check_knob(self, "decay", self.decay)

    def change(self, task: Task) -> Task:
        """Return the task with this weight decay."""
        return replace(task, recipe=replace(task.recipe, weight_decay=self.decay))
