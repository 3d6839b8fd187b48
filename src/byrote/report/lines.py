"""Signals as lines: a few points per channel, on a scale that the examples of the page share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.record import Population
from byrote.record.display import channels
from byrote.report.table_columns import number

POINTS = 120
"""Points of a line at most. Longer signals are drawn by the smallest and largest value of each of 60 stretches."""

DRAWN = 4
"""Channels that are drawn: the first ones."""

HEIGHT = 1000
"""Values are whole numbers from 0 to this, from the bottom to the top of the chart."""

BAND_EXAMPLES = 5_000
"""Training examples, the first ones, behind the band of usual values."""


ALIKE = 0.95
"""The scale of the page holds at least this share of the training examples, and all that reach at most once its range further."""


@dataclass(frozen=True)
class Scale:
    """The values at the bottom and at the top of a chart."""

    low: float
    high: float

    def height(self, value: float) -> int:
        """Return where a value is drawn, a whole number from 0 to HEIGHT."""
        share = (float(value) - self.low) / max(self.high - self.low, 1e-30)
        return round(HEIGHT * min(max(share, 0.0), 1.0))


class Lines:
    """The lines of the examples of a page. One that reaches far beyond the common scale is drawn on a scale of its own."""

    def __init__(self, population: Population) -> None:
        self._signals = channels(population.inputs, population.display)
        train = np.flatnonzero(population.where("train"))
        self._scale = _common(self._signals[train if len(train) else slice(None)][:, :DRAWN])
        count, names = self._signals.shape[1], population.display.columns
        drawn = min(count, DRAWN)
        usual = self._signals[train[:BAND_EXAMPLES] if len(train) else slice(0, BAND_EXAMPLES)][:, 0]
        self.about: dict[str, Any] = {
            "low": number(self._scale.low),
            "high": number(self._scale.high),
            "height": HEIGHT,
            "time": self._signals.shape[2],
            "names": list(names[:drawn]) if names else [f"channel {at}" for at in range(drawn)],
            "channels": count,
            "band": self._band(usual) if count == 1 else None,
        }

    def of(self, position: int) -> dict[str, Any]:
        """Return an example: `lines`, of each channel that is drawn its points `[time, height]`, and `own`, its scale.

        `own` is None on the common scale, else its ends as texts.
        """
        shown = self._signals[position][:DRAWN]
        low, high = float(shown.min()), float(shown.max())
        inside = self._scale.low <= low and high <= self._scale.high
        scale = self._scale if inside else Scale(low, high)
        return {
            "lines": [_line(channel, scale) for channel in shown],
            "own": None if inside else [number(low), number(high)],
        }

    def _band(self, usual: Float[ndarray, "example time"]) -> list[list[int]]:
        """Return the 5 % and the 95 % quantile over training examples: `[time, low, high]`."""
        low, high = np.quantile(usual, (0.05, 0.95), axis=0)
        every = np.unique(np.linspace(0, len(low) - 1, min(POINTS, len(low))).round().astype(int))
        return [[int(at), self._scale.height(low[at]), self._scale.height(high[at])] for at in every]


def _common(signals: Float[ndarray, "example channel time"]) -> Scale:
    """Return the scale that holds all of these signals, but for those that reach far beyond what most of them do."""
    lows, highs = signals.min(axis=(1, 2)).astype(np.float64), signals.max(axis=(1, 2)).astype(np.float64)
    low = np.quantile(lows, 1 - ALIKE, method="higher")
    high = np.quantile(highs, ALIKE, method="lower")
    near = (lows >= 2 * low - high) & (highs <= 2 * high - low)
    return Scale(float(lows[near].min()), float(highs[near].max()))


def _line(values: Float[ndarray, " time"], scale: Scale) -> list[list[int]]:
    if len(values) <= POINTS:
        return [[at, scale.height(value)] for at, value in enumerate(values)]
    points: list[list[int]] = []
    for part in np.array_split(np.arange(len(values)), POINTS // 2):
        ends = sorted({int(part[np.argmin(values[part])]), int(part[np.argmax(values[part])])})
        points += [[at, scale.height(values[at])] for at in ends]
    return points
