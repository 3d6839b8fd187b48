"""Schedule: a knob that changes over the training."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from byrote.errors import ByroteError, InvalidData, unknown
from byrote.signature import parse_call, spell
from byrote.task.signals import Controller, Signals


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
        """Return the value at `progress`, the share of all updates that is done, from 0 to 1."""
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


Knob = float | Schedule | Controller
"""What sets a number of the training: a constant, a schedule over the training, or a controller that reads signals."""


def at(knob: Knob, signals: Signals) -> float:
    """Return the value of a knob before an update; raise ByroteError when a controller gives none that can train."""
    if isinstance(knob, Schedule):
        return knob(signals.progress)
    if isinstance(knob, float | int):
        return knob
    value = knob(signals)
    if not usable(value):
        raise ByroteError(f"{knob} gave {value!r} in epoch {signals.epoch}. A knob must be a finite number, 0 or more.")
    return float(value)


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
