"""Dates written as text, as days since 1970. Which number is the day is decided for a whole column, never for a cell."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from byrote.inputs.arrow import compute

TIME = r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
YEAR_FIRST = r"^(?P<a>\d{4})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,2})" + TIME
YEAR_LAST = r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{4}|\d{2})" + TIME
NAMED = r"^(?P<a>\d{1,2})[ -](?P<b>[A-Za-z]{3})[a-z]*\.?[ -](?P<c>\d{4})" + TIME
MONTH_NAMED = r"^(?P<b>[A-Za-z]{3})[a-z]*\.? (?P<a>\d{1,2}),? (?P<c>\d{4})" + TIME

MONTHS = dict(
    zip(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), range(1, 13), strict=True)
)
LENGTHS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
THIS_CENTURY = 69
"""Years of two digits below this are of the 21st century, as in POSIX."""


@dataclass(frozen=True, eq=False)
class Dates:
    """Days since 1970 (NaN where a cell is no date), whether any has a time of day, and how the numbers were taken."""

    days: NDArray[np.float64]
    has_time: bool
    note: str = ""


def parsed_dates(cells: pa.Array, order: str = "") -> Dates:
    """Return the dates of cells of text; `order` is day-first or month-first where the user says so."""
    best = Dates(np.full(len(cells), np.nan), False)
    for pattern in (YEAR_FIRST, YEAR_LAST, NAMED, MONTH_NAMED):
        found = compute.extract_regex(cells, pattern)
        if found.null_count == len(cells):
            continue
        read = _read(found, pattern, order)
        if np.isfinite(read.days).sum() > np.isfinite(best.days).sum():
            best = read
    return best


def _read(found: pa.StructArray, pattern: str, order: str) -> Dates:
    known = found.is_valid().to_numpy(zero_copy_only=False)
    part = {
        name: compute.fill_null(found.field(name), "").to_numpy(zero_copy_only=False)
        for name in ("b", "hour", "zone", "half")
    }
    a, c, hour, minute, second = (_whole(found.field(name)) for name in ("a", "c", "hour", "minute", "second"))
    note = ""
    if pattern == YEAR_FIRST:
        year, month, day = a, _whole(found.field("b")), c
    elif pattern == YEAR_LAST:
        b = _whole(found.field("b"))
        day_first, note = _order(a[known], b[known], order)
        year, month, day = c, (b if day_first else a), (a if day_first else b)
        year = np.where(year < 100, np.where(year < THIS_CENTURY, 2000, 1900) + year, year)
    else:
        year, day = c, a
        month = np.array([MONTHS.get(name[:3].lower(), 0) for name in part["b"]])
    noon, midnight = (np.isin(part["half"], list(letters)) for letters in ("Pp", "Aa"))
    hour = np.where(noon & (hour < 12), hour + 12, np.where(midnight & (hour == 12), 0, hour))
    good = known & (month >= 1) & (month <= 12) & (day >= 1) & (day <= LENGTHS[np.clip(month, 0, 12)])
    good &= (hour < 24) & (minute < 60) & (second < 61) & ((month != 2) | (day < 29) | _is_leap(year))
    days = np.full(len(good), np.nan)
    days[good] = _days(year[good], month[good], day[good])
    days += (hour * 3600 + minute * 60 + second) / 86400 - _zones(part["zone"]) / 1440
    return Dates(days, bool((part["hour"] != "")[good].any()), note)


def _order(a: NDArray[np.int64], b: NDArray[np.int64], order: str) -> tuple[bool, str]:
    """Return whether the first number is the day, and what to say about it."""
    if order:
        return order == "day-first", f"read {order}, as given"
    late_a, late_b = int((a > 12).sum()), int((b > 12).sum())
    if late_a or late_b:
        return late_a >= late_b, f"the {'day' if late_a >= late_b else 'month'} comes first"
    return (
        True,
        "no date says whether the day or the month comes first: read day-first; --type NAME=month-first reads it the other way",
    )


def _whole(field: pa.Array) -> NDArray[np.int64]:
    empty = compute.equal(field, "")
    digits = compute.if_else(compute.fill_null(empty, True), "0", field)
    return (
        compute.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        else field.to_numpy()
    )


def _zones(zones: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the minutes that each time is ahead of Greenwich."""
    names, where = np.unique(zones.astype(np.str_), return_inverse=True)
    ahead = [
        0 if name in ("", "Z") else int(name[0] + "1") * (60 * int(name[1:3]) + int(name[-2:]))
        for name in names.tolist()
    ]
    return np.array(ahead, np.float64)[where]


def _is_leap(year: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))


def _days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    months = (year - 1970) * 12 + month - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
