"""Width: a model with more, or fewer, units in each layer."""

from dataclasses import dataclass
from typing import Any, ClassVar

from byrote.controls.control import Control, check_number
from byrote.controls.factory import resized
from byrote.task.task import Task


@dataclass(frozen=True)
class width(Control):
    """Multiplies the parameter `width` of the model's factory by `factor`: 1 changes nothing, below 1 is a narrower model.

    A whole number stays one, and at least 1. The built-in models have this parameter; a factory of the user's own needs it:
    `def model(width=64): ...`. Narrower models memorize less where they are short of weights (Arpit et al., 2017,
    arXiv:1706.05394, figure 6); above that, a wider one may memorize less and generalize better (Nakkiran et al., 2020,
    arXiv:1912.02292). So look at the sign on your own task. The learning rate stays as it is, which may suit one width only.
    """

    factor: float
    name: ClassVar[str] = "width"
    zero: ClassVar[float | None] = 1.0
    strengths: ClassVar[tuple[Any, ...]] = (0.5, 0.25, 0.125)

    def __post_init__(self) -> None:
        check_number(self, "factor", self.factor, least=0.001)

    def change(self, task: Task) -> Task:
        """Return the task with a model of this width; raise InvalidData when its factory has no such parameter."""
        return resized(task, self, "width", self.times)

    def times(self, now: float) -> float:
        """Return the width in place of this one."""
        return max(1, round(self.factor * now)) if isinstance(now, int) else self.factor * now
