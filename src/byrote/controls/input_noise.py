"""Input noise: Gaussian noise is added to inputs in training (Bishop, 1995, Neural Computation 7)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from byrote.controls._inputs import check_real, each_real, generator
from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import Transform
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class input_noise(MethodControl, Transform):
    """Adds Gaussian noise of `scale` standard deviations to the inputs whenever they are shown; 0 changes nothing.

    A standard deviation is that of the batch: of each feature of a table, and of all values together of other inputs. So
    columns need no common scale, what is constant stays so, and the same call works in a loop of your own; a batch of one
    example gets no noise. Near 1, the noise is as large as the differences between examples. For small noise it acts like a
    penalty on the slope of the model (Bishop, 1995). It misleads for columns that are codes or counts, and for rare
    columns whose few values make the standard deviation. Inputs that are whole numbers or bool stay as they are.
    """

    scale: Knob
    name: ClassVar[str] = "input_noise"
    strengths: ClassVar[tuple[Any, ...]] = (0.1, 0.3, 1.0)

    def __post_init__(self) -> None:
        check_knob(self, "scale", self.scale)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless some inputs are real numbers."""
        check_real(self, task)

    def transform(self, inputs: Any, strength: float, seed: int) -> Any:
        """Return the inputs `[example, ...]` with noise of `strength` standard deviations."""
        import torch  # heavy, and not needed to describe a control

        source = generator(inputs, seed)

        def noisy(part: "Tensor") -> "Tensor":
            spread = part.std(0, correction=0) if part.ndim == 2 else part.std(correction=0)
            drawn = torch.randn(part.shape, generator=source, device=part.device, dtype=part.dtype)
            return part + strength * spread * drawn

        return each_real(noisy, inputs)
