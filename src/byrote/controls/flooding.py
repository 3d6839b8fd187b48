"""Flooding: the loss is kept from falling below a level (Ishida et al., 2020, arXiv:2002.08709)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob


@dataclass(frozen=True)
class flooding(MethodControl, LossMethod):
    """Trains with |mean loss - level| + level per batch (equation 3): below `level` the loss is pushed up again. 0: no change."""

    level: Knob
    name: ClassVar[str] = "flooding"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.3)

    def __post_init__(self) -> None:
        check_knob(self, "level", self.level)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses, with their gradient turned where the mean of the batch is below the level."""
        below = losses.detach().mean(1, keepdim=True) < strength
        return losses.where(~below, 2 * strength - losses)
