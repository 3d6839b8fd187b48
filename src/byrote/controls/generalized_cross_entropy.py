"""Generalized cross-entropy: a bounded loss, in which unlikely labels pull less (Zhang & Sabuncu, 2018, arXiv:1805.07836)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from byrote.controls.control import MethodControl, check_classes, check_knob
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob
from byrote.task.task import Task


@dataclass(frozen=True)
class generalized_cross_entropy(MethodControl, LossMethod):
    """Trains with (1 - p^q) / q, where p is the probability of the label: 0 is cross-entropy, 1 the absolute error 1 - p.

    The gradient of an example is that of its cross-entropy times p^q, so examples that the model does not believe, wrong
    labels and rare examples alike, pull less. It delays memorization more than it prevents it: given enough epochs they are
    fitted too. Near q = 1 a network with many classes learns slowly or not at all: look at its accuracy. The paper takes 0.7.
    It costs a fifth of an update of a small perceptron, nothing visible on a convolutional network.
    """

    q: Knob
    name: ClassVar[str] = "generalized_cross_entropy"
    strengths: ClassVar[tuple[Any, ...]] = (0.3, 0.5, 0.7)
    by_example: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "q", self.q, 1.0)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns classes."""
        check_classes(self, task)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses -log p as (1 - p^q) / q."""
        q = strength.where(strength > 0, 1.0)
        return losses.where(strength == 0, -(-q * losses).expm1() / q)
