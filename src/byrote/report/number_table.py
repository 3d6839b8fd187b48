"""Number table: named rows of numbers, each with something small below it: its interval, or its difference to another row."""

from dataclasses import dataclass

import numpy as np

from byrote.report.numbers import SPACE
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class Cell:
    """A number, and below it its interval or its difference to another row; `beyond`: shown to differ. `words`: a text."""

    value: str
    below: str = ""
    beyond: bool = False
    words: bool = False


@dataclass(frozen=True)
class Row:
    """One row: its name with a remark below it, and its numbers in the order of the columns."""

    name: str
    cells: tuple[Cell, ...]
    below: str = ""


@dataclass(frozen=True)
class NumberTable:
    """A table; `first` is the heading of the names."""

    first: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def changed(value: str, change: Estimate | None, *, points: bool = False) -> Cell:
    """Return a number with its difference to another row below it, in points of per cent or with three decimals."""
    if change is None or np.isnan(change.value):
        return Cell(value)
    factor, digits, unit = (100, 1, " points") if points else (1, 3, "")
    low, high = (f"{factor * end:+.{digits}f}" for end in (change.low, change.high))
    ends = "" if np.isnan(change.low) else f" [{low},{SPACE}{high}]"
    return Cell(value, f"{factor * change.value:+.{digits}f}{unit}{ends}", bool(change.low > 0 or change.high < 0))
