"""Temperature: cross-entropy on logits that are divided by a number in training (Agarwala et al., 2020, arXiv:2010.07344)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from byrote.controls._classes import class_logits, own
from byrote.controls.control import MethodControl, check_classes, check_knob
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob
from byrote.task.task import Task

LEAST = 0.01


@dataclass(frozen=True)
class temperature(MethodControl, LossMethod):
    """Trains with the cross-entropy of logits / alpha: 1 changes nothing. What is recorded is of the logits as they are.

    The gradient is divided by alpha as well. So at one learning rate and number of epochs, below 1 (sharp) more is
    memorized, and above 1 (soft) less is; sharper losses are the direction in which Memory Dial (arXiv:2604.05074) raises
    memorization, which mixes them with the plain loss and is not this. It misleads when training goes on until nothing
    changes: then logits have grown to undo the temperature, and the difference is one of speed. Recorded losses and
    confidences change with the scale of the logits: compare accuracies or ranks.
    It costs a fifth of an update of a small perceptron, nothing visible on a convolutional network.
    """

    alpha: Knob
    name: ClassVar[str] = "temperature"
    zero: ClassVar[float] = 1.0
    strengths: ClassVar[tuple[Any, ...]] = (2.0, 4.0, 8.0)
    by_example: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "alpha", self.alpha, least=LEAST)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns classes."""
        check_classes(self, task)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses, with the cross-entropy of the divided logits in place of that of the logits."""
        z = class_logits(batch)
        plain, divided = (-own(each.log_softmax(-1), batch) for each in (z, z / strength.unsqueeze(-1)))
        return losses.where(strength == 1, losses - plain + divided)
