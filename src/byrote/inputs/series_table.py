"""A table with one series per row: columns t0, t1, t2 ..., or cells that are lists, with a label in another column."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.inputs.equal_lengths import MEASURED, equal_lengths
from byrote.inputs.labelled import Labelled, labelled, with_copies
from byrote.inputs.labelled_task import labelled_task
from byrote.inputs.reading import Reading
from byrote.inputs.series_names import steps_of
from byrote.inputs.table_rows import Rows
from byrote.task.inferred import InferredColumn
from byrote.task.task import Task


def series_table(rows: Rows, reading: Reading, channels: Sequence[str]) -> Task:
    """Return the task of predicting a label from series, float32 `[channel, time]`, one per row.

    A channel is a column whose cells are lists of numbers, or the columns that are called like it with a number: `t0`, `t_1`.
    All channels of a row have one length. Raises InvalidData for a channel that is neither, and for cells that are no numbers.
    """
    found = labelled(rows, reading)
    steps = steps_of(found.table.column_names)
    read = [_channel(found, name, steps) for name in channels]
    for name, one in zip(channels, read, strict=True):
        if [len(each) for each in one] != [len(each) for each in read[0]]:
            raise InvalidData(
                f"The channels {channels[0]!r} and {name!r} have different numbers of time steps. Give channels that were measured together."
            )
    equal = equal_lengths([np.stack(one) for one in zip(*read, strict=True)], reading.size)
    flat = equal.values.reshape(len(equal.values), -1)
    found = with_copies(
        found,
        np.unique(flat, axis=0, return_inverse=True)[1].astype(np.int64),
        0.0,
        ("different series", "different series"),
    )
    found = replace(found, sentences=(*found.sentences, *equal.sentences))
    names = (*channels, MEASURED) if equal.has_gaps else tuple(channels)
    read_from = [_read_from(name, found.table.column_names, steps) for name in channels]
    columns = [column for name in channels for column in (name, *steps.get(name, ()))]
    return labelled_task(rows, reading, found, equal.values, read_from, kind="signal", columns=columns, channels=names)


def _read_from(name: str, names: Sequence[str], steps: dict[str, tuple[str, ...]]) -> InferredColumn:
    """Return what is said of the columns of a channel: one entry for all of them."""
    if name in names:
        return InferredColumn(name, "series", "a channel")
    return InferredColumn(
        f"{steps[name][0]} ... {steps[name][-1]}", "series", f"the channel {name!r}, {len(steps[name]):,} time steps"
    )


def _channel(found: Labelled, name: str, steps: dict[str, tuple[str, ...]]) -> list[NDArray[np.float64]]:
    """Return a channel of every row. Empty cells at the end of a row are no steps, others are gaps (NaN)."""
    if name in found.table.column_names:
        cells = found.table[name]
        if (
            not pa.types.is_list(cells.type)
            and not pa.types.is_large_list(cells.type)
            and not pa.types.is_fixed_size_list(cells.type)
        ):
            raise InvalidData(f"The cells of {name!r} are {cells.type}, not lists of numbers. Name columns such as t0, t1 ... by their beginning: --series t.")  # fmt: skip
        lists = [np.array(cell or (), dtype=np.float64) for cell in cells.to_pylist()]
    elif name in steps:
        lists = [_cut(row) for row in np.stack([_numbers(found, column) for column in steps[name]], axis=1)]
    else:
        raise unknown("series", name, [*found.table.column_names, *steps])
    short = next((at for at, each in enumerate(lists) if not len(each)), None)
    if short is not None:
        raise InvalidData(
            f"The series {name!r} of row {str(found.ids[short])!r} is empty. Leave the row out, or fill it."
        )
    return lists


def _numbers(found: Labelled, name: str) -> NDArray[np.float64]:
    column = found.column(name, "number")
    if column.kind == "empty":
        return np.full(found.table.num_rows, np.nan)
    if column.kind != "number":
        raise InvalidData(f"The time step {name!r} is read as {column.kind}. Give numbers.")
    return np.where(column.missing, np.nan, column.values)


def _cut(row: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.flatnonzero(np.isfinite(row))
    return row[: int(known[-1]) + 1] if len(known) else row[:0]
