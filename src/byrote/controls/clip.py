"""Clip: the gradient of an update is bounded (Pascanu et al., 2013, arXiv:1211.5063)."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from byrote.controls.control import Control, check_knob
from byrote.errors import InvalidData
from byrote.task.task import Task


@dataclass(frozen=True)
class clip(Control):
    """Scales the mean gradient of an update to `norm` where it is longer, over all weights together: small is strong.

    It sets `Recipe.clip_norm`. It bounds how far one batch moves the weights, not what one example adds: an example that
    pulls hard still has the largest say in its batch (`clip_each` bounds that). Of optimizers that scale gradients, as Adam
    does, a bound that always holds changes little. At a fixed number of epochs it can look like a remedy because less is learned.
    """

    norm: float
    name: ClassVar[str] = "clip"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = (3.0, 1.0, 0.3)

    def __post_init__(self) -> None:
        check_norm(self, self.norm)

    def change(self, task: Task) -> Task:
        """Return the task with this bound in its recipe."""
        return replace(task, recipe=replace(task.recipe, clip_norm=float(self.norm)))


def check_norm(control: Control, norm: float) -> None:
    """Raise InvalidData unless a bound is a number above 0."""
    check_knob(control, "norm", norm)
    if not norm > 0:
        raise InvalidData(f"{control.name}(norm={norm!r}) would stop all learning. Give a number above 0.")
