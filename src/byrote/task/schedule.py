"""Schedule: a knob that changes over the training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from byrote.errors import ByroteError, InvalidData, unknown
from byrote.signature import parse_call, spell

if TYPE_CHECKING:
    pass


def usable(number: object) -> bool:
    """Return whether a knob can have this value: a finite number, 0 or more."""
    return isinstance(number, float | int) and bool(np.isfinite(number)) and number >= 0


@dataclass(frozen=True)
class Schedule:
    """A knob that changes: from `start` to `end` along `shape`, after a linear warm-up over the share `warmup`."""

    start: float
    end: float = 0.0
    shape: Literal["linear", "cosine"] = "linear"
    warmup: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if not usable(value):
                raise InvalidData(f"A schedule with {name}={value!r} cannot train. Give a number, 0 or more.")
        if not usable(self.warmup) or self.warmup > 1:
            raise InvalidData(f"A schedule cannot warm up over warmup={self.warmup!r}. Give a share from 0 to 1.")
        if self.shape not in ("linear", "cosine"):
            raise unknown("schedule", str(self.shape), ("linear", "cosine"))

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`, the share of all optimizer steps that is done, from 0 to 1."""
        if progress < self.warmup:
            return self.start * progress / self.warmup
        left = 1 - (progress - self.warmup) / max(1 - self.warmup, 1e-12)
        weight = left if self.shape == "linear" else 0.5 * (1 - np.cos(np.pi * left))
        return float(self.end + (self.start - self.end) * weight)

    def __str__(self) -> str:
        values = {"start": self.start, "end": self.end, "warmup": self.warmup}
        return spell(self.shape, {k: v for k, v in values.items() if v or k == "start"})


def linear(start: float, end: float = 0.0, *, warmup: float = 0.0) -> Schedule:
    """Return a schedule that falls (or rises) in a straight line."""
    return Schedule(start, end, "linear", warmup)


def cosine(start: float, end: float = 0.0, *, warmup: float = 0.0) -> Schedule:
    """Return a schedule that follows half a cosine."""
    return Schedule(start, end, "cosine", warmup)


def at(knob: float | Schedule, progress: float) -> float:
    """Return the value of a knob at this share of the training."""
    return knob(progress) if isinstance(knob, Schedule) else knob


def parse_schedule(text: str) -> float | Schedule:
    """Read a knob from its text: `0.05` or `cosine(start=0.05)`."""
    try:
        return float(text)
    except ValueError:
        name, options = parse_call(text)
    shapes = {"linear": linear, "cosine": cosine}
    if name not in shapes:
        raise unknown("schedule", name, shapes)
    try:
        return shapes[name](**options)
    except TypeError as error:
        raise ByroteError(f"{text!r} is not a schedule: {error}. Write it like 'cosine(start=0.05)'.") from None
