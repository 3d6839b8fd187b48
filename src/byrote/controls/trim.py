"""Trim: the examples of a batch with the largest losses are left out (Shen & Sanghavi, 2019, arXiv:1810.11874)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob

MOST = 0.9


@dataclass(frozen=True)
class trim(MethodControl, LossMethod):
    """Trains on the mean loss of each batch without its `share` largest losses (rounded down): 0 changes nothing.

    Wrong labels have large losses before they are memorized, and so do rare examples and small groups: those are left out
    as well, and their accuracy falls. What is memorized has a small loss and is not left out any more, so trimming can
    prevent memorization and cannot undo it: late in training it removes other examples than it should. At the first updates
    the largest losses say little. Of a batch with less than 1 / share examples nothing is left out.
    It costs a fifth of an update of a small perceptron, nothing visible on a convolutional network.
    """

    share: Knob
    name: ClassVar[str] = "trim"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.2)

    def __post_init__(self) -> None:
        check_knob(self, "share", self.share, MOST)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses, 0 where they are left out, scaled so that their mean is that of the others."""
        size = losses.shape[1]
        dropped = (strength.double() * size + 1e-4).floor()
        rank = losses.detach().argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        scale = (size / (size - dropped)).to(losses.dtype)
        return (losses * scale).where(rank >= dropped, torch.zeros_like(losses))
