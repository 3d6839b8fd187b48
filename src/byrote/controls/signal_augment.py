"""Augmentation of signals: shifted in time, scaled, and with noise, anew whenever they are shown."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from byrote.controls._inputs import check_kind, check_real, generator
from byrote.controls.control import MethodControl, check_knob, check_number
from byrote.task.methods import Transform
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class signal_augment(MethodControl, Transform):
    """Shifts each signal in time, scales it and adds noise, by its own draws whenever it is shown.

    `shift` is the largest shift as a share of the length; what is missing repeats the first or last value. `scale` 0.1
    multiplies by a factor from 0.9 to 1.1. `noise` is Gaussian, in standard deviations of each channel over the batch.
    `strength` multiplies all three: 0 changes nothing. Signals are `[example, time]`, `[example, channel, time]` or
    `[example, time, channel]`: time is the longest axis. It misleads where the moment or the size of something tells
    classes apart.
    """

    shift: float = 0.1
    scale: float = 0.1
    noise: float = 0.1
    strength: Knob = 1.0  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    name: ClassVar[str] = "signal_augment"
    strengths: ClassVar[tuple[Any, ...]] = (0.5, 1.0, 2.0)

    def __post_init__(self) -> None:
        for name, most in (("shift", 1.0), ("scale", 1.0), ("noise", float("inf"))):
            check_number(self, name, getattr(self, name), most=most)
        check_knob(self, "strength", self.strength)

    def at(self, strength: Any) -> Self:
        """Return the same changes with another strength."""
        return replace(self, strength=strength)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the inputs are signals of real numbers."""
        check_kind(self, task, "signal")
        check_real(self, task)

    def transform(self, inputs: Any, strength: float, seed: int) -> "Tensor":
        """Return the signals, changed; all that is random comes from `seed`."""
        import torch  # heavy, and not needed to describe a control

        source = generator(inputs, seed)
        axis = max(range(1, inputs.ndim), key=lambda axis: (inputs.shape[axis], axis))
        signals = inputs.movedim(axis, -1)
        count, length = len(signals), signals.shape[-1]

        def uniform() -> "Tensor":
            return 2 * torch.rand(count, generator=source, device=inputs.device) - 1

        steps = (uniform() * min(self.shift * strength, 1) * length).round().long()
        places = (torch.arange(length, device=inputs.device) - steps.unsqueeze(1)).clamp(0, length - 1)
        alike = (count, *[1] * (signals.ndim - 2))
        moved = signals.gather(-1, places.view(*alike, length).expand(signals.shape))
        factor = (1 + uniform() * min(self.scale * strength, 1)).view(*alike, 1)
        spread = signals.std((0, -1), correction=0, keepdim=True)
        drawn = torch.randn(signals.shape, generator=source, device=inputs.device)
        return (moved * factor + self.noise * strength * spread * drawn).movedim(-1, axis).contiguous()
