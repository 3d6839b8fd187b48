"""Hold: the controller of the thermostat, a PI controller in velocity form on what the sensor canaries say.

Åström & Hägglund, 2006, Advanced PID Control, sections 3.5 (anti-windup) and 13.4 (velocity form).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

import numpy as np

from byrote.errors import InvalidData, unknown
from byrote.task.signals import Reading, Signals

Mode = Literal["hold", "cap", "floor"]

SMOOTHING = 0.5
"""Weight of the last reading in the exponential average that the controller acts on."""

COLLAPSED = 0.95
"""A network whose mean training loss is this share of that of chance, or more, has stopped to learn."""


class Decision(NamedTuple):
    """What the controller did with one reading: all of it follows from the readings before."""

    epoch: float
    measured: float
    """Memorization of the sensor canaries: in minus out, of the probability of the label, as a mean over canaries."""
    smoothed: float
    effort: float
    """From 0 (no brake) to 1 (the strongest that is allowed)."""
    collapsed: bool


@dataclass(frozen=True)
class hold:
    """A knob that holds the memorization of the sensor canaries at `target`: the mean probability of their label, in minus out.

    0 is none, 1 is known by rote. `kind` of canary; wrong labels by default. "hold" goes for the target from both sides;
    "cap" starts at `start` and brakes only beyond the target; "floor" starts at `start` and lets go below it. The effort, from
    0 to 1, is the knob between `least` and `most`, on a "linear" or "log" `scale`. `chance` is the loss of a network that has
    learned nothing (0: unknown): near it the controller lets go, because such a network memorizes nothing either. The target
    rises from 0 along a line in the first `ramp` epochs, so that it is overshot less.
    The effort changes by `gain` for a change of the measured value (as it will be `ahead` epochs later), by `integral` for each
    epoch at a distance of 1, and by `slew` per epoch at most. Raises InvalidData for settings that cannot control.
    """

    target: float
    kind: str = "mislabeled"
    mode: Mode = "hold"
    least: float = 0.0
    most: float = 0.9
    scale: Literal["linear", "log"] = "linear"
    start: float = 0.0
    chance: float = 0.0
    gain: float = 3.0
    integral: float = 0.9
    slew: float = 0.5
    ahead: float = 1.0
    ramp: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.target <= 1:
            raise InvalidData(
                f"Memorization cannot be held at {self.target!r}. Give a target from 0 (none) to 1 (known by rote)."
            )
        if self.mode not in ("hold", "cap", "floor"):
            raise unknown("mode", self.mode, ("hold", "cap", "floor"))
        if self.scale not in ("linear", "log"):
            raise unknown("scale", self.scale, ("linear", "log"))
        if not 0 <= self.start <= 1:
            raise InvalidData(f"start={self.start!r} is no effort. Give a number from 0 to 1.")
        if not (0 <= self.least < self.most and (self.scale == "linear" or self.least > 0)):
            raise InvalidData(f"A knob cannot go from {self.least!r} to {self.most!r} on a {self.scale} scale.")
        for name in ("gain", "integral", "slew", "chance", "ramp"):
            if not getattr(self, name) >= 0:
                raise InvalidData(f"{name}={getattr(self, name)!r} cannot control. Give a number, 0 or more.")

    def __str__(self) -> str:
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return f"hold({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def __call__(self, signals: Signals) -> float:
        """Return the knob for the next update, from all readings so far."""
        made = self.decisions(signals.readings)
        return self.knob(made[-1].effort if made else self.start)

    def knob(self, effort: float) -> float:
        """Return the value of the knob at an effort from 0 to 1; at no effort on a log scale it is `least`."""
        if self.scale == "log":
            return float(self.least * (self.most / self.least) ** effort)
        return self.least + (self.most - self.least) * effort

    def decisions(self, readings: Sequence[Reading]) -> list[Decision]:
        """Return what the controller makes of each reading, in order."""
        found: list[Decision] = []
        low, high = (self.start if self.mode == "cap" else 0.0), (self.start if self.mode == "floor" else 1.0)
        effort, smoothed, epoch, error, slope = self.start, None, 0.0, 0.0, 0.0
        for reading in readings:
            measured = self.measured(reading)
            took, epoch = reading.epoch - epoch, reading.epoch
            last, before = smoothed, error
            smoothed = measured if last is None else last + SMOOTHING * (measured - last)
            rate = 0.0 if last is None else (smoothed - last) / took
            slope += SMOOTHING * (rate - slope)
            error = smoothed + self.ahead * slope - self.target * (min(1.0, epoch / self.ramp) if self.ramp else 1.0)
            collapsed = bool(self.chance) and effort > 0.3 and reading.loss >= COLLAPSED * self.chance
            change = self.gain * (0.0 if last is None else error - before) + self.integral * took * error
            most = self.slew * took
            change = -2 * most if collapsed else min(max(change, -most), most)
            effort = min(max(effort + change, low), high)
            found.append(Decision(reading.epoch, measured, smoothed, effort, collapsed))
        return found

    def measured(self, reading: Reading) -> float:
        """Return the memorization of the sensor canaries in a reading; raise InvalidData when it has none of the kind."""
        return reading.canaries[self._key("in", reading)] - reading.canaries[self._key("out", reading)]

    def error(self, reading: Reading) -> float:
        """Return a bound on the standard error of the measured value : values from 0 to 1 vary by p (1 - p) at most."""
        variance = 0.0
        for side in ("in", "out"):
            mean, count = reading.canaries[self._key(side, reading)], reading.counts.get(f"{self.kind}/{side}", 0)
            variance += max(mean * (1 - mean), 0.0) / count if count else float("inf")
        return float(np.sqrt(variance))

    def _key(self, side: str, reading: Reading) -> str:
        name = f"{self.kind}/confidence_{side}"
        if name not in reading.canaries:
            raise InvalidData(
                f"{self} reads {self.kind} canaries that are {side} the training set, and there are none. Plant more of them."
            )
        return name

    @property
    def needs(self) -> str:
        """The kind of canary that must be planted."""
        return self.kind
