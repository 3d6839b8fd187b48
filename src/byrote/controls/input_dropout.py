"""Input dropout: values of the inputs are set to 0 at random (Arpit et al., 2017, arXiv:1706.05394)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from byrote.controls._inputs import check_real, each_real, generator
from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import Transform
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor

MOST = 0.99


@dataclass(frozen=True)
class input_dropout(MethodControl, Transform):
    """Sets each value of an input to 0 with probability `rate`, and divides the others by 1 - rate; 0 changes nothing.

    It is dropout before the first layer, one of the regularizers with which Arpit et al. (2017, figures 7 and 8) compare how
    far networks fit random labels at the same accuracy on real data. For pictures, signals and tables of real numbers; 0
    should say nothing there, as in a standardized table: else see `feature_dropout`. Near 1, nothing is left to learn
    from: look at the accuracy.
    """

    rate: Knob
    name: ClassVar[str] = "input_dropout"
    strengths: ClassVar[tuple[Any, ...]] = (0.1, 0.3, 0.6)

    def __post_init__(self) -> None:
        check_knob(self, "rate", self.rate, MOST)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless some inputs are real numbers."""
        check_real(self, task)

    def transform(self, inputs: Any, strength: float, seed: int) -> Any:
        """Return the inputs `[example, ...]` with a share `strength` of their values set to 0."""
        import torch  # heavy, and not needed to describe a control

        source, rate = generator(inputs, seed), min(strength, MOST)

        def thinned(part: "Tensor") -> "Tensor":
            return part * (torch.rand(part.shape, generator=source, device=part.device) >= rate) / (1 - rate)

        return each_real(thinned, inputs)
