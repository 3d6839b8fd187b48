"""Label smoothing: a share of each target is spread over all classes (Szegedy et al., 2016, arXiv:1512.00567)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from byrote.controls._classes import log_probabilities, own
from byrote.controls.control import MethodControl, check_classes, check_knob
from byrote.errors import InvalidData
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob
from byrote.task.task import Task

MOST = 0.99


@dataclass(frozen=True)
class label_smoothing(MethodControl, LossMethod):
    """Trains towards (1 - share) of the label and `share` spread evenly over all classes: 0 changes nothing, 1 teaches nothing.

    The loss of an example is (1 - share) times its cross-entropy plus share times the mean of -log p over the classes, as in
    torch. It bounds how sure a model gets, and so lowers confidence-based leakage and calibration error; a wrong label is
    often still fitted, so that accuracy on it shows less effect than confidence does. On noisy labels it helps about as much
    as loss correction (Lukasik et al., 2020, arXiv:2003.02819). It misleads where memorization is read from confidence
    alone. Each class is smoothed alike, also where the objective weighs classes.
    It costs a fifth of an update of a small perceptron, nothing visible on a convolutional network.
    """

    share: Knob
    name: ClassVar[str] = "label_smoothing"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.3)
    by_example: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "share", self.share, MOST)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns classes, without smoothing them already."""
        check_classes(self, task)
        if getattr(task.learned, "label_smoothing", 0.0):
            raise InvalidData(f"{task.learned} smooths labels already. Leave label_smoothing out of one of them.")

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses, with a share of each moved from its own class to all classes."""
        log_p = log_probabilities(batch)
        return losses + strength * (own(log_p, batch) - log_p.mean(-1))
