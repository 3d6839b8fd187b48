"""Rows of a table from wherever people have them: CSV, TSV, Parquet, JSON lines, or a data frame of pandas or polars."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from byrote.errors import InvalidData, Unsupported
from byrote.inputs.delimited import names_of, read_delimited
from byrote.inputs.json_rows import column_of, read_json

DELIMITED = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
JSON = (".jsonl", ".ndjson", ".json")
TABLES = (*DELIMITED, ".parquet", *JSON)
"""Endings of files that are tables."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A table as it was read: its columns, what it is called, and what its rows are called where nobody says it.

    `source` is the path; empty for a data frame. `ids` are the positions of the rows, from 0, or the index of a data frame.
    `semicolons` says that its cells are separated by semicolons, where a comma within a number is a decimal comma. `sentences`
    say what is odd about the rows, and `index` what the index of a data frame is called, which is no column.
    """

    table: pa.Table
    name: str
    source: str
    ids: NDArray[np.str_]
    semicolons: bool = False
    sentences: tuple[str, ...] = ()
    index: tuple[str, ...] = ()


def is_frame(source: Any) -> bool:
    """Return whether this is a data frame of pandas or polars, or a table of pyarrow."""
    kind = type(source)  # a LazyFrame of polars would have to look for its columns
    return isinstance(source, pa.Table) or (hasattr(kind, "columns") and hasattr(kind, "to_numpy"))


def read_rows(source: Any, encoding: str = "utf-8") -> Rows:
    """Return the rows of a file or a data frame. Raises InvalidData for a file that is missing, broken or empty."""
    rows = _of_frame(source) if is_frame(source) else _of_file(Path(source), encoding)
    if not rows.table.num_rows:
        raise InvalidData(f"{rows.source or 'The data frame'} has no rows. Give a table with examples.")
    return rows


def _of_file(path: Path, encoding: str) -> Rows:
    if not path.is_file():
        raise InvalidData(f"There is no file {str(path)!r}. Give the path of a table.")
    ending, semicolons = path.name.lower(), False
    if ending.endswith(DELIMITED):
        table, separator = read_delimited(path, encoding)
        semicolons = separator == ";"
    elif ending.endswith(JSON):
        table = read_json(path, encoding)
    else:
        table = _parquet(path)
    stem = path.name.partition(".")[0] or path.stem
    return Rows(table, stem, str(path), _positions(table.num_rows), semicolons)


def _parquet(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InvalidData(f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}).") from None
    return table.rename_columns(names_of(table.column_names, path))


def _of_frame(frame: Any) -> Rows:
    count = len(frame)
    if isinstance(frame, pa.Table):
        return Rows(frame.rename_columns(names_of(frame.column_names, "The table")), "table", "", _positions(count))
    names = names_of((str(name) for name in frame.columns), "The data frame")
    if hasattr(frame, "to_arrow"):  # polars
        return Rows(frame.to_arrow().rename_columns(names), "table", "", _positions(count))
    if not hasattr(frame, "iloc"):
        raise Unsupported(
            f"{type(frame).__name__} is no data frame of pandas or polars. Give one, or the path of a file."
        )
    columns = [_series(frame.iloc[:, at]) for at in range(len(names))]
    table, index = pa.table(dict(zip(names, columns, strict=True))), frame.index
    levels = tuple(str(name) for name in index.names if name is not None)
    if index.nlevels == 1 and index.is_unique:
        return Rows(table, "table", "", np.array([str(each) for each in index], np.str_), index=levels)
    what = "repeats values" if index.nlevels == 1 else f"has {index.nlevels} levels"
    said = f"The index of the data frame {what}: ids of rows are their positions from 0, as in frame.iloc."
    return Rows(table, "table", "", _positions(count), sentences=(said,), index=levels)


def _series(series: Any) -> pa.Array | pa.ChunkedArray:
    """Return a pandas column; periods as their first moment, and cells of several types as `column_of` reads them."""
    if type(series.dtype).__name__ == "PeriodDtype":
        series = series.dt.to_timestamp()
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        missing: Sequence[bool] = series.isna().tolist()
        return column_of(None if gone else cell for cell, gone in zip(series.tolist(), missing, strict=True))


def _positions(count: int) -> NDArray[np.str_]:
    return np.arange(count).astype(np.str_)
