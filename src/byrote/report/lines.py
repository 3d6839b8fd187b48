"""Signals as lines: a few points per channel, on a scale that all examples of the page share."""

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
"""Training examples, the first ones, behind the scale and the band of usual values."""


class Lines:
    """The scale of a page: it holds 99.8 % of the values of training examples; values beyond it are drawn at its ends."""

    def __init__(self, population: Population) -> None:
        self._signals = channels(population.inputs, population.display)
        train = np.flatnonzero(population.where("train"))[:BAND_EXAMPLES]
        usual = self._signals[train if len(train) else slice(0, BAND_EXAMPLES)][:, :DRAWN]
        self._low, self._high = (float(end) for end in np.quantile(usual, (0.001, 0.999)))
        count, names = self._signals.shape[1], population.display.columns
        drawn = min(count, DRAWN)
        self.about: dict[str, Any] = {
            "low": number(self._low),
            "high": number(self._high),
            "height": HEIGHT,
            "time": self._signals.shape[2],
            "names": list(names[:drawn]) if names else [f"channel {at}" for at in range(drawn)],
            "channels": count,
            "band": self._band(usual[:, 0]) if count == 1 else None,
        }

    def of(self, position: int) -> list[list[list[int]]]:
        """Return the lines of an example: of each channel that is drawn, its points `[time, height]`."""
        return [self._line(channel) for channel in self._signals[position][:DRAWN]]

    def _line(self, values: Float[ndarray, " time"]) -> list[list[int]]:
        if len(values) <= POINTS:
            return [[at, self._height(value)] for at, value in enumerate(values)]
        points: list[list[int]] = []
        for part in np.array_split(np.arange(len(values)), POINTS // 2):
            ends = sorted({int(part[np.argmin(values[part])]), int(part[np.argmax(values[part])])})
            points += [[at, self._height(values[at])] for at in ends]
        return points

    def _band(self, usual: Float[ndarray, "example time"]) -> list[list[int]]:
        """Return the 5 % and the 95 % quantile over training examples: `[time, low, high]`."""
        low, high = np.quantile(usual, (0.05, 0.95), axis=0)
        every = np.unique(np.linspace(0, len(low) - 1, min(POINTS, len(low))).round().astype(int))
        return [[int(at), self._height(low[at]), self._height(high[at])] for at in every]

    def _height(self, value: float) -> int:
        share = (float(value) - self._low) / max(self._high - self._low, 1e-30)
        return round(HEIGHT * min(max(share, 0.0), 1.0))
