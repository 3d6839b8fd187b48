"""Files of one series each: rows are time steps, columns are channels. CSV, TSV, text, Parquet and NumPy's .npy."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Float
from numpy import ndarray

SUFFIXES = frozenset((".csv", ".tsv", ".txt", ".parquet", ".npy"))

LARGEST = 200_000_000
"""Bytes of the largest file that is read."""

TIMES = ("", "time", "t", "timestamp", "date", "datetime", "index", "step", "seconds", "sec", "ms", "unnamed: 0")
"""Names of a first column that is the time, if it only grows: small letters, without a unit in brackets."""

UNEVEN = 0.01
"""Steps of time that differ by more than this share of the usual one are uneven."""

SEPARATORS = ",;\t|"


@dataclass(frozen=True, eq=False)
class Series:
    """One series: values by channel, NaN where a cell is empty or no number.

    `time` is the name of the column of time that was left out (None: there is none), and `is_even` whether its steps are equal.
    """

    names: tuple[str, ...]
    values: Float[ndarray, "channel time"]
    time: str | None = None
    is_even: bool = True


def read_series(path: Path) -> Series | str:
    """Return the series of a file, or why there is none. Columns without any number are no channels."""
    try:
        if path.stat().st_size > LARGEST:
            return f"more than {LARGEST:,} bytes"
        suffix = path.suffix.lower()
        if suffix == ".npy":
            return _of_array(np.load(path, allow_pickle=False))
        if suffix == ".parquet":
            table = pq.read_table(path)
            return _of_columns([(name, table[name].to_pylist()) for name in table.column_names])
        return _of_text(path.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        return "no UTF-8 text"
    except Exception as error:  # readers of stranger's files raise what they raise
        return str(error).split("\n")[0][:80] or type(error).__name__


def _of_array(values: Any) -> Series | str:
    if values.dtype.kind not in "iufb" or values.ndim not in (1, 2) or not values.size:
        return f"an array of {values.dtype} of shape {values.shape}, not numbers [time] or [time, channel]"
    channels = np.atleast_2d(values.T).astype(np.float64)
    return Series(tuple(f"channel {at}" for at in range(len(channels))), channels)


def _of_text(text: str) -> Series | str:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return "empty"
    separator = max(SEPARATORS, key=lines[0].count)
    if not lines[0].count(separator):
        separator = " "
    comma = separator == ";"
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator, skipinitialspace=True))
    named = not all(np.isfinite(_number(cell, comma)) for cell in rows[0])
    width = len(rows[0])
    names = [cell.strip() for cell in rows[0]] if named else [f"channel {at}" for at in range(width)]
    uneven = next((at for at, row in enumerate(rows, 1) if len(row) != width), None)
    if uneven is not None:
        return f"row {uneven} has {len(rows[uneven - 1])} cells, and the first {width}"
    if len(set(names)) < len(names):
        return "two columns of one name"
    return _of_columns(
        [(name, list(column)) for name, column in zip(names, zip(*rows[named:], strict=True), strict=False)], comma
    )


def _of_columns(columns: Sequence[tuple[str, Sequence[Any]]], comma: bool = False) -> Series | str:
    """Return the channels of columns; the first may be the time."""
    if not columns or not len(columns[0][1]):
        return "no time steps"
    numbers = [(name, np.array([_number(cell, comma) for cell in cells])) for name, cells in columns]
    time, even = None, True
    name, first = numbers[0]
    if len(numbers) > 1 and name.lower().partition("(")[0].partition("[")[0].strip() in TIMES:
        steps = np.diff(first)
        if np.isnan(first).all() or bool((steps > 0).all()):  # dates, or numbers that grow
            time, numbers = name, numbers[1:]
            usual = np.median(steps) if len(steps) else 0.0
            even = bool(np.isnan(usual) or (np.abs(steps - usual) <= UNEVEN * usual).all())
    channels = [(name, values) for name, values in numbers if np.isfinite(values).any()]
    if not channels:
        return "no column of numbers"
    return Series(tuple(name for name, _ in channels), np.stack([values for _, values in channels]), time, even)


def _number(cell: object, comma: bool = False) -> float:
    """Return a cell as a number; NaN for all that is none, and for what is infinite."""
    if cell is None:
        return float("nan")
    try:
        found = float(cell.strip().replace(",", ".") if comma and isinstance(cell, str) else cell)  # pyright: ignore[reportArgumentType]
    except (ValueError, TypeError):
        return float("nan")
    return found if np.isfinite(found) else float("nan")
