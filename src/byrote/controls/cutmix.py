"""CutMix: a rectangle of each picture is that of another (Yun et al., 2019, arXiv:1905.04899)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from byrote.controls._inputs import check_kind
from byrote.controls.control import MethodControl, check_knob
from byrote.controls.mixup import check_alone, drawn, shares
from byrote.task.methods import Mixing
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class cutmix(MethodControl, Mixing):
    """Pastes a rectangle of another picture of the batch, and gives its label the weight of the rectangle's area.

    The share of the own picture is drawn from Beta(alpha, alpha), the middle of the rectangle anywhere; what lies outside is
    cut off, and the share is then that of the area. One rectangle per batch, as in the authors' code. `alpha` near 0 pastes
    all or nothing, at 1 (the authors' choice) all sizes are as likely, and far above 1 it is always about half; 0 changes
    nothing. For pictures. It misleads where what tells classes apart is small: the rectangle may hold none of it. Losses of
    the training pass are of pasted pictures with the own label, and so are higher: compare clean passes.
    """

    alpha: Knob
    name: ClassVar[str] = "cutmix"
    strengths: ClassVar[tuple[Any, ...]] = (0.2, 1.0, 4.0)

    def __post_init__(self) -> None:
        check_knob(self, "alpha", self.alpha)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the inputs are pictures, and nothing else mixes them."""
        check_kind(self, task, "picture")
        check_alone(self, task)

    def mix(self, inputs: Any, strength: float, seed: int) -> "tuple[Any, Tensor, Tensor]":
        """Return pictures `[example, (channel,) height, width]` with a rectangle of each one's partner, and the own share."""
        partner, share = drawn(inputs, strength, seed)
        height, width = inputs.shape[-2:]
        top, bottom, left, right = rectangle(height, width, share, seed)
        mixed = inputs.clone()
        mixed[..., top:bottom, left:right] = inputs[partner][..., top:bottom, left:right]
        return mixed, partner, shares(partner, 1 - (bottom - top) * (right - left) / (height * width))


def rectangle(height: int, width: int, share: float, seed: int) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of a rectangle of the share 1 - `share`, cut off at the edges of the picture."""
    rng = np.random.default_rng([seed, 1])
    side = np.sqrt(1 - share)
    bounds: list[int] = []
    for size in (height, width):
        middle, length = int(rng.integers(size)), int(size * side)
        bounds += [max(middle - length // 2, 0), min(middle + length // 2, size)]
    return bounds[0], bounds[1], bounds[2], bounds[3]
