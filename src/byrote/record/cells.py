"""Cells: how people read a table whose columns reach a model as numbers: words of a category, dates, what is missing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS = ("number", "category", "code", "date", "moment")

OTHER = "another value"
"""The word of a category that the model does not know apart."""


@dataclass(frozen=True)
class Cell:
    """One column as people know it, made of one or several columns of the inputs: those from `at` on.

    A `number` is the input plus `offset`; a `date` or a `moment` (with its time of day) is that many days since 1970. A
    `category` is that one of `words` whose input is 1, and OTHER where none is; with two words and one input, 0 is the
    first. A `code` is a position in `words`.
    Where the input `missing` is 1, the cell is empty (-1: it never is).
    """

    name: str
    kind: str
    at: int
    words: tuple[str, ...] = ()
    inputs: int = 1
    offset: float = 0.0
    missing: int = -1

    def as_json(self) -> dict[str, Any]:
        """Return what a record keeps of it."""
        return {**asdict(self), "words": list(self.words)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Cell":
        """Return what a record kept. Raises ValueError, TypeError or KeyError for anything else."""
        found = cls(
            str(kept["name"]), str(kept["kind"]), int(kept["at"]), tuple(map(str, kept["words"])), int(kept["inputs"]),
            float(kept["offset"]), int(kept["missing"]),
        )  # fmt: skip
        if found.kind not in CELLS or found.at < 0 or found.inputs < 1:
            raise ValueError(f"{found.kind!r} is no kind of cell")
        return found

    def values(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return the numbers of examples (NaN where missing): numbers and days, or positions in `words` (-1: OTHER)."""
        one = inputs[:, self.at].astype(np.float64)
        if self.kind == "category":
            if self.inputs == 1 and len(self.words) == 2:
                one = (one > 0.5).astype(np.float64)
            else:
                part = inputs[:, self.at : self.at + self.inputs]
                one = np.where(part.max(axis=1) > 0.5, part.argmax(axis=1), -1).astype(np.float64)
        elif self.kind == "code":
            one = np.clip(np.rint(one), 0, len(self.words) - 1)
        else:
            one += self.offset
        return one if self.missing < 0 else np.where(inputs[:, self.missing] > 0.5, np.nan, one)

    def text(self, value: float) -> str | None:
        """Return how one of these values is read; None for a plain number, and for what is missing "missing"."""
        if np.isnan(value):
            return "missing"
        if self.kind in ("category", "code"):
            at = int(value)
            return self.words[at] if 0 <= at < len(self.words) else OTHER
        return None if self.kind == "number" else spell_days(value, time=self.kind == "moment")


def spell_days(days: float, *, time: bool = False) -> str:
    """Return days since 1970 as a date, with the minute where `time` says so; what is out of all calendars as a number."""
    if not abs(days) < 3e6:
        return f"{days:.0f} days since 1970"
    moment = np.datetime64(0, "m") + np.timedelta64(round(days * 1440), "m")
    return str(moment).replace("T", " ") if time else str(moment)[:-6]
