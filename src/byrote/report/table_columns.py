"""One column of a table on the page: what is usual in it, how unusual a value is, and whether two values differ."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import SupportsFloat

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri

from byrote.record.cells import Cell
from byrote.report.numbers import percent

RARE = 0.02
"""A word, or a value of a column with two values, is rare if it has at most this share, as an unusual number is beyond 98 %."""

FAR = 3.0
"""A value is unusual if it is so many times the usual spread from the median, and beyond the 1 % and 99 % quantiles as well."""

DIFFERS = 1.0
"""A value differs from that of a neighbour if they are so many times the usual spread apart."""

NORMAL = 1.349
"""The interquartile range of a normal distribution, in standard deviations."""

NAMED = 3
"""The commonest words of a category that are named as usual."""


@dataclass(frozen=True)
class TableColumn:
    """What is known of a column from the real training examples; `values` of examples are those of its Cell, NaN for missing.

    `shares` are those of the values that are counted: of a category, and of numbers that have two values.
    """

    name: str
    usual: str
    text: Callable[[float], str]
    shares: dict[float, float]
    counted: bool
    median: float
    spread: float
    least: float
    most: float

    def away(self, value: float) -> float:
        """Return how unusual a value is, in standard deviations of a normal distribution."""
        if np.isnan(value):
            return 0.0
        if self.counted:
            return float(ndtri(1 - max(self.shares.get(value, 0.0), 1e-6) / 2))
        return abs(value - self.median) / (self.spread or 1)

    def mark(self, value: float) -> str:
        """Return `high`, `low` or `rare` for an unusual value, and nothing for others."""
        if np.isnan(value):
            return ""
        if self.counted and value in self.shares:
            return "rare" if self.shares[value] <= RARE else ""
        if value > self.most or value < self.least:
            return "high" if value > self.most else "low"
        return "rare" if self.counted else ""

    def differ(self, one: float, other: float) -> bool:
        """Return whether two values are far apart; of a category, whether they are not the same."""
        if np.isnan(one) or np.isnan(other):
            return bool(np.isnan(one) != np.isnan(other))
        return one != other if self.counted else abs(one - other) > DIFFERS * self.spread


def table_column(cell: Cell, train: Float[ndarray, " example"]) -> TableColumn:
    """Return what is usual in a column, by its values on real training examples.

    The usual spread is the interquartile range divided by 1.349, which is the standard deviation of a normal distribution and
    is not moved by a few extreme values. Where the middle half of a column is one value, it is the standard deviation. The
    usual range holds 90 % of the training examples. In a column of words, or with two values, such as yes and no, none is far
    from the other: a value is as unusual as a normal number that is as rare, and the usual values are named with their shares.
    """
    known = train[~np.isnan(train)]
    known = known if len(known) else np.zeros(1)
    text = partial(spelled, cell)
    absent = f"; missing in {percent(1 - len(known) / len(train))}" if len(known) < len(train) else ""
    shares = _shares(known) if cell.kind in ("category", "code") else _two_shares(known)
    low, q1, median, q3, high = np.quantile(known, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    middle = (q3 - q1) / NORMAL
    spread = middle if middle > 0 else float(known.std())
    least, most = np.quantile(known, (0.01, 0.99)).tolist()
    usual = f"{text(low)} to {text(high)}"
    if shares:
        first = list(shares.items())[: 2 if len(shares) == 2 else NAMED]
        usual = " or ".join(f"{text(value)} ({percent(share)})" for value, share in first)
        usual += f" or {len(shares) - len(first)} more" if len(shares) > len(first) else ""
    ends = min(least, median - FAR * spread), max(most, median + FAR * spread)
    if cell.kind in ("category", "code"):
        ends = -np.inf, np.inf  # words have no order
    return TableColumn(cell.name, usual + absent, text, shares, bool(shares), median, spread, *ends)


def spelled(cell: Cell, value: float) -> str:
    """Return how people read a value of this column: a word, a date, or a number."""
    text = cell.text(value)
    return number(value) if text is None else text


def _shares(values: Float[ndarray, " example"]) -> dict[float, float]:
    """Return the share of each value, the commoner first."""
    found, counts = np.unique(values, return_counts=True)
    shares = dict(zip(found.tolist(), (counts / len(values)).tolist(), strict=True))
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def _two_shares(values: Float[ndarray, " example"]) -> dict[float, float]:
    """Return the share of each value of a column that has two; empty for any other."""
    ends = values.min(), values.max()
    return _shares(values) if ends[0] != ends[1] and np.isin(values, ends).all() else {}


def number(value: SupportsFloat) -> str:
    """Return a value with four significant digits, whole numbers in full."""
    value = float(value)
    if value == round(value) and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.4g}" if abs(value) < 1000 or abs(value) >= 1e6 else f"{value:.1f}"
