"""Segments: which entries of a memory are in which file, so that saving writes only what has changed."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int64
from numpy import ndarray

from byrote.recall.entries import Entries

ROWS = 1 << 16
"""Entries in a segment: 17 MB for keys of 64 numbers. A deletion writes one segment again."""

KINDS = {"b": pa.bool_(), "i": pa.int64(), "f": pa.float64()}


@dataclass(frozen=True)
class Segment:
    """One file of entries: their numbers go from `first` to `last`. `fingerprint` is the sum of theirs."""

    name: str
    rows: int
    first: int
    last: int
    sha256: str
    fingerprint: int


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a memory that belong into one file: one that is there already, or a new one (`segment` is None)."""

    rows: Int64[ndarray, " row"]
    segment: Segment | None


@dataclass(frozen=True, eq=False)
class Columns:
    """What is in a segment."""

    numbers: Int64[ndarray, " row"]
    ids: list[str]
    values: ndarray
    keys: Float32[ndarray, "row width"]


def plan(entries: Entries, segments: Sequence[Segment], clock: int, *, most: int = ROWS) -> list[Part]:
    """Return which file each entry goes into: `segments` are as they were saved when the clock of the entries was `clock`.

    A segment that has lost entries, or in which a value was changed since, is written again. New entries come in files of
    at most `most`, and take the smaller files before them along, so that there are few small ones.
    """
    rows, parts = entries.rows, list[Part]()
    numbers, edited = entries.numbers.values[rows], entries.edited.values[rows]
    end = 0
    for segment in segments:
        start, end = np.searchsorted(numbers, [segment.first, segment.last + 1]).tolist()
        same = end - start == segment.rows and bool((edited[start:end] <= clock).all())
        _append(parts, Part(rows[start:end], segment if same else None), most)
    for start in range(end, len(rows), most):
        _append(parts, Part(rows[start : start + most], None), most)
    return parts


def _append(parts: list[Part], new: Part, most: int) -> None:
    """Append a part; while it has to be written, join it with the one before if that has to be written too, or is no larger."""
    while new.segment is None and parts:
        before = parts[-1]
        if len(before.rows) + len(new.rows) > most or (before.segment and len(before.rows) > len(new.rows)):
            break
        new = Part(np.concatenate([parts.pop().rows, new.rows]), None)
    if len(new.rows):
        parts.append(new)


def to_bytes(columns: Columns) -> bytes:
    """Return a segment as a Parquet file: without compression, so that what is not in it cannot hide in it."""
    values, is_json = _value_column(columns.values)
    width = columns.keys.shape[1]
    key = pa.FixedSizeListArray.from_arrays(
        pa.array(columns.keys.ravel()), type=pa.list_(pa.field("element", pa.float32(), False), width)
    )
    schema = pa.schema(
        [pa.field("number", pa.int64(), False), pa.field("id", pa.string(), False), pa.field("value", values.type, False), pa.field("key", key.type, False)],
        metadata={"values": "json" if is_json else "plain"},
    )  # fmt: skip
    table = pa.Table.from_arrays(
        [pa.array(columns.numbers), pa.array(columns.ids, pa.string()), values, key], schema=schema
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression="NONE", use_dictionary=False, write_statistics=False)
    return out.getvalue()


def from_bytes(data: bytes, width: int) -> Columns:
    """Return what is in a segment; raise ValueError where it is none of keys of this width."""
    table: Any = pq.read_table(pa.BufferReader(data))
    if table.column_names != ["number", "id", "value", "key"]:
        raise ValueError("other columns")
    number, id_, value, key = (table.column(name).combine_chunks() for name in table.column_names)
    if any(column.null_count for column in (number, id_, value, key)) or key.type.list_size != width:
        raise ValueError("other columns")
    keys = key.flatten().to_numpy(zero_copy_only=False).reshape(len(number), width)
    is_json = (table.schema.metadata or {}).get(b"values") == b"json"
    if is_json or pa.types.is_string(value.type):
        values = np.empty(len(value), object)
        values[:] = [json.loads(each) for each in value.to_pylist()] if is_json else value.to_pylist()
    else:
        values = value.to_numpy(zero_copy_only=False)
    return Columns(number.to_numpy().astype(np.int64), id_.to_pylist(), values, keys.astype(np.float32))


def of_rows(
    entries: Entries, keys: Callable[[Int64[ndarray, " row"]], ndarray], rows: Int64[ndarray, " row"]
) -> Columns:
    """Return what a segment of these rows holds."""
    return Columns(
        entries.numbers.values[rows],
        [entries.names[row] for row in rows.tolist()],
        entries.held.values[rows],
        keys(rows),
    )


def _value_column(values: ndarray) -> tuple[Any, bool]:
    if values.dtype != object:
        return pa.array(values, KINDS[values.dtype.kind]), False
    if all(isinstance(value, str) for value in values):
        return pa.array(values.tolist(), pa.string()), False
    return pa.array([json.dumps(value) for value in values], pa.string()), True
