"""Rows of a table beside their neighbours, with the usual range of every column: what is unusual, and what differs."""

from typing import Any, SupportsFloat

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri

from byrote.record import Population
from byrote.report.numbers import percent

COLUMNS = 40
"""Columns of a row that are shown at most: those in which it is most unusual, in the order of the table."""

GLANCE = 3
"""Columns on a card: the most unusual ones."""

RARE = 0.02
"""A value of a column with two values is rare if it has at most this share, as an unusual number is beyond 98 %."""

FAR = 3.0
"""A value is unusual if it is so many times the usual spread from the median, and beyond the 1 % and 99 % quantiles as well."""

DIFFERS = 1.0
"""A value differs from that of a neighbour if they are so many times the usual spread apart."""

NORMAL = 1.349
"""The interquartile range of a normal distribution, in standard deviations."""


class TableRows:
    """The columns of a table, measured on its real training examples.

    The usual spread of a column is its interquartile range divided by 1.349, which is the standard deviation of a normal
    distribution and is not moved by a few extreme values. Where the middle half of a column is one value, it is the
    standard deviation. The usual range holds 90 % of the training examples. In a column with two values, such as yes and no,
    neither is far from the other: a value is as unusual as a normal number that is as rare, and the usual range names both with
    their shares.
    """

    def __init__(self, population: Population) -> None:
        self._inputs: Float[ndarray, "example column"] = population.inputs
        train = self._inputs[population.where("train")].astype(np.float64)
        train = train if len(train) else self._inputs.astype(np.float64)
        names = population.display.columns
        self.names = list(names) if names else [f"column {at}" for at in range(train.shape[1])]
        low, q1, self._median, q3, high = np.quantile(train, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
        least, most = np.quantile(train, (0.01, 0.99), axis=0)
        middle = (q3 - q1) / NORMAL
        self._spread = np.where(middle > 0, middle, train.std(axis=0))
        self._least = np.minimum(least, self._median - FAR * self._spread)
        self._most = np.maximum(most, self._median + FAR * self._spread)
        self.usual = [f"{number(a)} to {number(b)}" for a, b in zip(low, high, strict=True)]
        self._shares = {at: shares for at in range(train.shape[1]) if (shares := _two_shares(train[:, at]))}
        for at, shares in self._shares.items():
            self.usual[at] = " or ".join(f"{number(value)} ({percent(share)})" for value, share in shares.items())

    def glance(self, position: int) -> list[list[str]]:
        """Return the most unusual columns of an example, the most unusual first: name, value, mark, and usual range."""
        values = self._values(position)
        order = np.argsort(-self._away(values), kind="stable")[:GLANCE]
        return [
            [self.names[at], number(values[at]), self._mark(values[at], at), self.usual[at]] for at in order.tolist()
        ]

    def beside(self, position: int, others: list[int]) -> dict[str, Any]:
        """Return a row with those of others, column by column: `[column, [[value, mark], ...]]`, its own value first.

        Marks are `high`, `low` and `rare` (unusual) for the example itself, and `differs` for others.
        """
        values = self._values(position)
        shown = np.sort(np.argsort(-self._away(values), kind="stable")[:COLUMNS]).tolist()
        rows: list[Any] = []
        for at in shown:
            cells = [[number(values[at]), self._mark(values[at], at)]]
            for other in others:
                value = self._values(other)[at]
                far = abs(value - values[at]) > DIFFERS * self._spread[at]
                cells.append([number(value), "differs" if far else ""])
            rows.append([at, cells])
        return {"rows": rows, "left": len(values) - len(shown)}

    def _values(self, position: int) -> Float[ndarray, " column"]:
        return self._inputs[position].astype(np.float64)

    def _away(self, values: Float[ndarray, " column"]) -> Float[ndarray, " column"]:
        away = np.abs(values - self._median) / np.where(self._spread > 0, self._spread, 1)
        for at, shares in self._shares.items():
            if values[at] in shares:
                away[at] = ndtri(1 - shares[values[at]] / 2)
        return away

    def _mark(self, value: Any, at: int) -> str:
        if at in self._shares and value in self._shares[at]:
            return "rare" if self._shares[at][value] <= RARE else ""
        return "high" if value > self._most[at] else "low" if value < self._least[at] else ""


def _two_shares(values: Float[ndarray, " example"]) -> dict[float, float]:
    """Return the share of each value, the commoner first, of a column that has two; empty for any other."""
    ends = values.min(), values.max()
    if ends[0] == ends[1] or not ((values == ends[0]) | (values == ends[1])).all():
        return {}
    shares = {float(value): float((values == value).mean()) for value in ends}
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def number(value: SupportsFloat) -> str:
    """Return a value with four significant digits, whole numbers in full."""
    value = float(value)
    if value == round(value) and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.4g}" if abs(value) < 1000 or abs(value) >= 1e6 else f"{value:.1f}"
