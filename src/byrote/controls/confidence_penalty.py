"""Confidence penalty: predictions that are sure are penalized (Pereyra et al., 2017, arXiv:1701.06548)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from byrote.controls._classes import log_probabilities
from byrote.controls.control import MethodControl, check_classes, check_knob
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob
from byrote.task.task import Task


@dataclass(frozen=True)
class confidence_penalty(MethodControl, LossMethod):
    """Takes `weight` times the entropy of the predicted classes (in nats) off each loss: 0 changes nothing.

    It acts like `label_smoothing`, with a pull that fades where the model is unsure: predictions of members are less sure, and
    wrong labels are hardly fitted less often. It misleads where memorization is read from confidence alone: that falls
    because the penalty says so.
    It costs a fifth of an update of a small perceptron, nothing visible on a convolutional network.
    """

    weight: Knob
    name: ClassVar[str] = "confidence_penalty"
    strengths: ClassVar[tuple[Any, ...]] = (0.1, 0.3, 1.0)
    by_example: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "weight", self.weight)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns classes."""
        check_classes(self, task)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses, less the weighted entropy of each prediction."""
        log_p = log_probabilities(batch)
        return losses + strength * (log_p.exp() * log_p).sum(-1)
