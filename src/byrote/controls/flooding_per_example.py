"""Flooding per example: each loss is kept from falling below a level (iFlood, Xie et al., 2022, ICLR)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob


@dataclass(frozen=True)
class flooding_per_example(MethodControl, LossMethod):
    """Trains with |loss - level| + level for each example: below `level` a loss is pushed up again. 0 changes nothing.

    The level is in the units of the loss, for classes in nats: of an example at level 0.5 the model is 61 % sure. Unlike
    `flooding`, which holds the mean and lets easy examples pay for hard ones, it holds every example. It limits how sure a
    model gets of what it memorized, and does not say what: easy examples are held back as well. A level that is not above
    the loss of easy examples changes little for those that are memorized last.
    It costs a fifth of an update of a small perceptron, nothing visible on a convolutional network.
    """

    level: Knob
    name: ClassVar[str] = "flooding_per_example"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.3)
    by_example: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "level", self.level)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses, with the gradient turned of those that are below the level."""
        return losses.where(losses.detach() >= strength, 2 * strength - losses)
