"""Columns: what one column of a table holds, by what all of its cells say: numbers, categories, dates, free text."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from byrote.inputs.arrow import ABSENT, as_text, coded, compute, matches
from byrote.inputs.counts import counted
from byrote.inputs.dates import parsed_dates
from byrote.inputs.numbers import parsed, written
from byrote.inputs.quantities import quantities

NEARLY = 0.95
"""Share of the cells that have to be numbers (or dates) for a column to be one; the others are then missing, and quoted."""

QUOTED = 4
"""Cells of a column that are quoted at most, and the characters of each."""
CHARACTERS = 24

SENTENCE = 5
"""Words of a cell, on average, from which a column with mostly different cells is free text."""

TRUE_FALSE = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("0", "1"), ("0.0", "1.0"), ("off", "on"))


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table. `values` are numbers, or days since 1970 (NaN where one is missing); `codes` say which of `words`.

    `kind` is number, category, boolean, date, text, empty (no cell holds anything) or other (lists, bytes). A category, a
    boolean and a text have `codes` (-1 where a cell is missing), numbers and dates `values`. `whole`: all values are whole
    numbers. `notes` say what is odd.
    """

    name: str
    kind: str
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    codes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    words: tuple[str, ...] = ()
    has_time: bool = False
    whole: bool = False
    notes: tuple[str, ...] = ()

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which rows have no value."""
        return np.isnan(self.values) if self.kind in ("number", "date") else self.codes < 0

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        if self.kind in ("number", "date"):
            return len(np.unique(self.values[~np.isnan(self.values)]))
        return len(self.words)

    @property
    def bits(self) -> NDArray[np.int64]:
        """A number for each row that is the same where the value is; a missing value is one too."""
        if self.kind not in ("number", "date"):
            return self.codes
        return np.where(np.isnan(self.values), np.nan, self.values + 0.0).view(np.int64)  # one NaN, and no -0


def column_from(name: str, cells: pa.ChunkedArray, stated: str | None = None, *, comma: bool = False) -> Column:
    """Return what a column holds: what is `stated`, else what its cells are. `comma`: its table has decimal commas."""
    kind = cells.type
    if pa.types.is_null(kind) or cells.null_count == len(cells):
        return Column(name, "empty", codes=np.full(len(cells), -1))
    if pa.types.is_boolean(kind) and stated in (None, "boolean", "category"):
        return _boolean(name, compute.if_else(cells, "true", "false"))
    if _is_number(kind) and stated in (None, "number", "decimal-comma"):
        return _number(name, compute.cast(cells, pa.float64(), safe=False).to_numpy(), stated)
    if pa.types.is_temporal(kind) and stated in (None, "date", "day-first", "month-first", "number"):
        return _moment(name, cells)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return Column(name, "other", codes=np.full(len(cells), -1))
    return _from_text(name, as_text(cells), stated, comma=comma)


def has_decimal_comma(table: pa.Table, *, semicolons: bool) -> bool:
    """Return whether numbers of this table have a decimal comma: a column is one of numbers only if they have.

    Where no column says so, semicolons between the cells do.
    """
    for column in table.columns:
        if pa.types.is_string(column.type):
            cells = as_text(column.slice(0, 2000))
            cells = compute.filter(cells, pa.array(~matches(cells, ABSENT)))
            found = written(cells) if len(cells) else None
            if found is not None and found.has_comma and found.comma.mean() >= NEARLY:
                return True
            if found is not None and found.point.mean() >= NEARLY and not found.either:
                return False
    return semicolons


@dataclass(frozen=True, eq=False)
class _Values:
    """The different cells of a column, how often each occurs, and which of them each row has: rules look at each once."""

    cells: pa.Array
    counts: NDArray[np.int64]
    codes: NDArray[np.int64]

    def share(self, which: NDArray[np.bool_]) -> int:
        """Return how many rows have one of these."""
        return int(self.counts[which].sum())

    def odd(self, which: NDArray[np.bool_], what: str) -> tuple[str, ...]:
        """Return the sentence about cells that are not what the others are; empty where there are none."""
        if not which.any():
            return ()
        few = compute.filter(self.cells, pa.array(which)).slice(0, QUOTED + 1).to_pylist()
        quoted = ", ".join(
            repr(cell if len(cell) <= CHARACTERS else f"{cell[:CHARACTERS]}...") for cell in few[:QUOTED]
        )
        more = " ..." if len(few) > QUOTED else ""
        count, all_of = self.share(which), f"of {len(self.codes):,} cells"
        are = counted(count, f"{all_of} is no {what.removesuffix('s')}", f"{all_of} are no {what}")
        return (f"{are}: {quoted}{more}; {'it counts' if count == 1 else 'they count'} as missing",)


def _from_text(name: str, cells: pa.Array, stated: str | None, *, comma: bool) -> Column:
    found = _Values(*coded(cells))
    there = ~matches(found.cells, ABSENT)
    if not there.any():
        return Column(name, "empty", codes=np.full(len(cells), -1))
    if stated in (None, "number", "decimal-comma"):
        column = _written_number(name, found, there, stated, comma=comma)
        if column is not None:
            return column
    if stated in (None, "date", "day-first", "month-first"):
        dates = parsed_dates(found.cells, "" if stated in (None, "date") else stated)
        good = np.isfinite(dates.days)
        if good.any() and (stated or found.share(good) >= NEARLY * found.share(there)):
            notes = (dates.note.replace("NAME", name),) if dates.note else ()
            notes += found.odd(~good & ~matches(found.cells, "^$"), "dates")
            return Column(name, "date", dates.days[found.codes], has_time=dates.has_time, notes=notes)
    return _words(name, found, there, stated)


def _written_number(
    name: str, found: _Values, there: NDArray[np.bool_], stated: str | None, *, comma: bool
) -> Column | None:
    """Return the column as numbers; None where its cells are something else and nobody says they are numbers."""
    quantity = quantities(found.cells, there)
    if quantity is not None:
        found = replace(found, cells=quantity.cells)
    text = written(found.cells)
    has_comma = stated == "decimal-comma" or text.has_comma or (comma and text.either)
    good = (text.comma if has_comma else text.point) & there
    if not good.any() or (stated is None and (found.share(good) < NEARLY * found.share(there) or text.padded)):
        return None
    values = parsed(found.cells, good, comma=has_comma)
    notes = found.odd(~good & ~matches(found.cells, "^$"), "numbers")
    if has_comma and not text.point[good].all():
        notes += ("read with a decimal comma",)
    if quantity is not None:
        notes += (f"every value has the unit {quantity.unit!r}, and is read without it",)
    return _number(name, values[found.codes], stated, notes)


def _number(name: str, values: NDArray[np.float64], stated: str | None, notes: tuple[str, ...] = ()) -> Column:
    infinite = np.isinf(values)
    if infinite.any():
        notes = (*notes, f"{counted(int(infinite.sum()), 'infinite value counts', 'infinite values count')} as missing")
        values = np.where(infinite, np.nan, values)
    known = values[~np.isnan(values)]
    if not len(known):
        return Column(name, "empty", codes=np.full(len(values), -1))
    if stated is None and np.isin(known, (0.0, 1.0)).all():
        return Column(name, "boolean", codes=np.where(np.isnan(values), -1, values).astype(np.int64), words=("0", "1"))
    return Column(name, "number", values, whole=bool((known == np.floor(known)).all()), notes=notes)


def _moment(name: str, cells: pa.ChunkedArray) -> Column:
    """Return what Arrow has as dates, times or durations: days, or seconds as a number."""
    kind = cells.type
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        unit = "us" if pa.types.is_time32(kind) or pa.types.is_duration(kind) else kind.unit
        like = pa.duration("us") if pa.types.is_duration(kind) else pa.time64(unit)
        seconds = compute.cast(compute.cast(cells, like, safe=False), pa.int64())
        scale = 1e9 if unit == "ns" else 1e6
        return _number(name, compute.cast(seconds, pa.float64()).to_numpy() / scale, None, ("in seconds",))
    micros = compute.cast(compute.cast(cells, pa.timestamp("us"), safe=False), pa.int64())
    days = compute.cast(micros, pa.float64(), safe=False).to_numpy() / 86_400e6
    known = days[~np.isnan(days)]
    return Column(name, "date", days, has_time=bool((known != np.floor(known)).any()))


def _boolean(name: str, cells: pa.ChunkedArray) -> Column:
    found = _Values(*coded(as_text(cells)))
    return _words(name, found, ~matches(found.cells, ABSENT), "boolean")


def _words(name: str, found: _Values, there: NDArray[np.bool_], stated: str | None) -> Column:
    words: list[str] = found.cells.to_pylist()
    order = sorted(np.flatnonzero(there).tolist(), key=lambda at: natural(words[at]))
    place = np.full(len(words), -1)
    place[order] = np.arange(len(order))
    known = tuple(words[at] for at in order)
    said_missing = ~there & ~matches(found.cells, "^$")
    kind = stated if stated in ("category", "boolean", "text") else None
    if kind is None:
        several = len(known) > found.share(there) / 2 and len(known) > 2
        spaces = compute.mean(compute.count_substring(found.cells, " ")).as_py() if several else 0
        kind = "text" if spaces + 1 >= SENTENCE else "category"
    if kind == "boolean" and len(known) != 2:
        kind = "category"
    elif kind == "category" and tuple(sorted(word.lower() for word in known[:3])) in TRUE_FALSE:
        kind = "boolean"
    return Column(name, kind, codes=place[found.codes], words=known, notes=found.odd(said_missing, "values"))


def natural(word: str) -> tuple[tuple[int, float, str], ...]:
    """Return the key by which words are sorted as people do: numbers within them by their size."""
    parts = re.split(r"(\d+)", word[:200])
    return tuple((0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts if part)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
