"""Feature dropout: values of a table are replaced by the mean of their column at random, as if they were missing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from byrote.controls._inputs import check_kind, check_real, generator
from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import Transform
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class feature_dropout(MethodControl, Transform):
    """Replaces each value of a table by the mean of its column over the batch, with probability `rate`; 0 changes nothing.

    A model then cannot rest on one cell that identifies a row. The mean says nothing whatever the scale of a column is, where
    the 0 of `input_dropout` may be a value like others. At 1, all rows of a batch are equal and nothing can be
    learned. It misleads for columns that are codes: a mean of codes is none. For tables of real numbers.
    """

    rate: Knob
    name: ClassVar[str] = "feature_dropout"
    strengths: ClassVar[tuple[Any, ...]] = (0.1, 0.3, 0.6)

    def __post_init__(self) -> None:
        check_knob(self, "rate", self.rate, 1.0)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the inputs are a table of real numbers."""
        check_kind(self, task, "table")
        check_real(self, task)

    def transform(self, inputs: Any, strength: float, seed: int) -> "Tensor":
        """Return the table `[example, feature]` with a share `strength` of its values replaced."""
        import torch  # heavy, and not needed to describe a control

        drawn = torch.rand(inputs.shape, generator=generator(inputs, seed), device=inputs.device)
        return torch.where(drawn < strength, inputs.mean(0, keepdim=True), inputs)
