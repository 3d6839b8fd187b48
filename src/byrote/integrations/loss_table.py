"""Tables of losses per example and epoch that others have written, as CSV or Parquet."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.evidence.arrays import ColumnArrays

MEASURED = ("loss", "correct", "confidence", "margin")
"""What may be known of an example at an epoch."""


def read_table(
    path: str | os.PathLike[str], *, seen: bool = True, names: Mapping[str, str] | None = None
) -> ColumnArrays:
    """Read one run from a CSV or Parquet file with a row per example and epoch; raise InvalidData.

    Its columns are `example`, `epoch`, any of `loss`, `correct`, `confidence` and `margin`, and perhaps `label`; `names` says
    what they are called there. Epochs become steps in their order; a row that is missing is NaN. Examples come in the
    order of their ids. `seen` says that the values are of the forward passes of training: columns are
    then called `loss_seen` and so on, as training dynamics read them; otherwise they are of clean passes.
    """
    file, called = Path(path), {"example": "example", "epoch": "epoch", **(names or {})}
    table = _table(file)
    found = {
        name: called.get(name, name) for name in (*MEASURED, "label") if called.get(name, name) in table.column_names
    }
    lacking = [called[k] for k in ("example", "epoch") if called[k] not in table.column_names]
    if lacking or not found.keys() - {"label"}:
        raise InvalidData(
            f"{file} has the columns {', '.join(table.column_names)}. It needs {called['example']}, {called['epoch']} and one of {', '.join(MEASURED)}; say with `names` what they are called."
        )
    ids, example = np.unique(_plain(table, called["example"], file), return_inverse=True)
    epochs, step = np.unique(_plain(table, called["epoch"], file), return_inverse=True)
    at = step.astype(np.int64) * len(ids) + example
    if len(np.unique(at)) < len(at):
        again = int(np.flatnonzero(np.bincount(at) > 1)[0])
        raise InvalidData(
            f"{file} has several rows for example {ids[again % len(ids)]} at epoch {epochs[again // len(ids)]}. If they are of several runs, read one run at a time."
        )
    columns: dict[str, NDArray[Any]] = {}
    for name, column in found.items():
        if name == "label":
            columns[name] = _labels(_plain(table, column, file), example, ids, file)
            continue
        values = np.full(len(epochs) * len(ids), np.nan, np.float32)
        values[at] = _numbers(table, column, file)
        columns[f"{name}_seen" if seen else name] = values.reshape(len(epochs), len(ids))
    return ColumnArrays(ids, columns)


def _table(file: Path) -> pa.Table:
    try:
        if file.suffix == ".parquet":
            return pq.read_table(file)
        if {".csv", ".tsv"} & set(file.suffixes):
            return csv.read_csv(
                file, parse_options=csv.ParseOptions(delimiter="\t" if ".tsv" in file.suffixes else ",")
            )
    except FileNotFoundError:
        raise InvalidData(f"There is no file {file}. Give a CSV or Parquet file.") from None
    except pa.ArrowInvalid as error:
        raise InvalidData(f"{file} cannot be read: {error}. Write it again as CSV or Parquet.") from None
    raise InvalidData(f"{file} is neither .csv, .tsv nor .parquet. Write it as one of them.")


def _plain(table: pa.Table, name: str, file: Path) -> NDArray[Any]:
    column = table[name]
    if column.null_count or not len(column):
        raise InvalidData(
            f"{file} has {column.null_count} empty of {len(column)} values in {name}. Every row names its {name}."
        )
    values = column.combine_chunks().to_numpy(zero_copy_only=False)
    return values.astype(np.str_) if values.dtype == object else values


def _numbers(table: pa.Table, name: str, file: Path) -> Float[ndarray, " row"]:
    try:
        return table[name].cast(pa.float64()).combine_chunks().to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InvalidData(
            f"{file} has {table[name].type} in {name}, which are no numbers. Write numbers, or leave it out."
        ) from None


def _labels(given: NDArray[Any], example: Int[ndarray, " row"], ids: NDArray[Any], file: Path) -> NDArray[Any]:
    labels = np.empty(len(ids), given.dtype)
    labels[example] = given
    changed = labels[example] != given
    if changed.any():
        raise InvalidData(
            f"{file} has several labels for example {ids[example[changed.argmax()]]}. An example has one label."
        )
    return labels
