"""Tables of losses per example and epoch that others have written, as CSV or Parquet."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as csv
import pyarrow.parquet as pq
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.evidence.arrays import ColumnArrays
from byrote.integrations.natural_order import natural, numbered

pc: Any = pyarrow.compute  # its functions are made at import time, out of sight of a type checker

MEASURED = ("loss", "correct", "confidence", "margin")
"""What may be known of an example at an epoch."""

DECIMAL = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*")


def read_table(
    path: str | os.PathLike[str], *, seen: bool = True, names: Mapping[str, str] | None = None
) -> ColumnArrays:
    """Read one run from a CSV or Parquet file with a row per example and epoch; raise InvalidData.

    Its columns are `example`, `epoch`, any of `loss`, `correct`, `confidence` and `margin`, and perhaps `label`; `names` says
    what they are called there. Ids are text, as they are written: 007 is not 7. Epochs are numbers, or names that differ in
    one number (epoch_2, epoch_10); they become steps in the order of these numbers. A row that is missing is NaN.
    Examples come in the natural order of their ids: 9 before 10. `seen` says that the values are of the forward passes of
    training: columns are then called `loss_seen` and so on, as training dynamics read them; otherwise they are of clean passes.
    """
    file, called = Path(path), {"example": "example", "epoch": "epoch", **(names or {})}
    table = _table(file, [called["example"], called["epoch"]])
    found = {
        name: called.get(name, name) for name in (*MEASURED, "label") if called.get(name, name) in table.column_names
    }
    lacking = [called[k] for k in ("example", "epoch") if called[k] not in table.column_names]
    if lacking or not found.keys() - {"label"}:
        raise InvalidData(
            f"{file} has the columns {', '.join(table.column_names)}. It needs {called['example']}, {called['epoch']} and one of {', '.join(MEASURED)}; say with `names` what they are called."
        )
    ids, example = _examples(table, called["example"], file)
    epochs, step = _epochs(table, called["epoch"], file)
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
        values[at] = _checked(_numbers(table, column, file), name, file)
        columns[f"{name}_seen" if seen else name] = values.reshape(len(epochs), len(ids))
    return ColumnArrays(ids, columns)


def _table(file: Path, as_text: Sequence[str]) -> pa.Table:
    try:
        if file.suffix == ".parquet":
            return pq.read_table(file)
        if {".csv", ".tsv"} & set(file.suffixes):
            return csv.read_csv(
                file,
                parse_options=csv.ParseOptions(delimiter="\t" if ".tsv" in file.suffixes else ","),
                convert_options=csv.ConvertOptions(column_types=dict.fromkeys(as_text, pa.string())),
            )
    except FileNotFoundError:
        raise InvalidData(f"There is no file {file}. Give a CSV or Parquet file.") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidData(f"{file} cannot be read: {error}. Write it again as CSV or Parquet.") from None
    raise InvalidData(f"{file} is neither .csv, .tsv nor .parquet. Write it as one of them.")


def _examples(table: pa.Table, name: str, file: Path) -> tuple[NDArray[Any], Int[ndarray, " row"]]:
    """Return the ids in natural order, and which of them each row is about."""
    ids, example = np.unique(_text(table, name, file), return_inverse=True)
    order = sorted(range(len(ids)), key=lambda at: (natural(str(ids[at])), str(ids[at])))
    rank = np.empty(len(ids), np.int64)
    rank[order] = np.arange(len(ids))
    return ids[order], rank[example]


def _epochs(table: pa.Table, name: str, file: Path) -> tuple[NDArray[Any], Int[ndarray, " row"]]:
    """Return the epochs in order, and which of them each row is of."""
    if pa.types.is_integer(table[name].type) or pa.types.is_floating(table[name].type):
        given = _plain(table, name, file)
        if not np.isfinite(given).all():
            raise InvalidData(f"{file} has NaN or infinite values in {name}. Every row names its epoch.")
        return np.unique(given, return_inverse=True)
    names, step = np.unique(_text(table, name, file), return_inverse=True)
    texts = [str(each) for each in names]
    numbers = [float(each) for each in texts] if all(map(DECIMAL.fullmatch, texts)) else numbered(texts)
    if numbers is None and len(texts) > 1:
        raise InvalidData(
            f"{file} has {texts[0]!r} and {texts[-1]!r} in {name}, which have no order. Write numbers, or names that differ in one number, as epoch_1 and epoch_2."
        )
    values = np.array(numbers or [0])
    whole = (values == np.rint(values)).all()
    epochs, rank = np.unique(values.astype(np.int64) if whole else values, return_inverse=True)
    return epochs, rank[step]


def _plain(table: pa.Table, name: str, file: Path) -> NDArray[Any]:
    column = table[name]
    if column.null_count or not len(column):
        raise InvalidData(
            f"{file} has {column.null_count} empty of {len(column)} values in {name}. Every row names its {name}."
        )
    values = column.combine_chunks().to_numpy(zero_copy_only=False)
    return values.astype(np.str_) if values.dtype == object else values


def _text(table: pa.Table, name: str, file: Path) -> NDArray[Any]:
    kind = table[name].type
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_nested(kind):
        raise InvalidData(
            f"{file} has {kind} in {name}. Write whole numbers or text, for then 1 and 1.0 are not mixed up."
        )
    try:
        values = table[name].cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InvalidData(f"{file} has {kind} in {name}. Write whole numbers or text.") from None
    values = pc.if_else(pc.equal(values, ""), None, values)
    return _plain(table.set_column(table.column_names.index(name), name, values), name, file)


def _checked(values: Float[ndarray, " row"], name: str, file: Path) -> Float[ndarray, " row"]:
    """Return values; raise InvalidData for those that cannot be what the column's name says."""
    low, high = {"correct": (0, 1), "confidence": (0, 1)}.get(name, (-np.inf, np.inf))
    bad = (values < low) | (values > high)
    if name == "correct":
        bad |= ~np.isnan(values) & (values != np.rint(values))
    if bad.any():
        kind = "0 or 1" if name == "correct" else "from 0 to 1"
        raise InvalidData(
            f"{file} has {values[bad][0]:g} in {name}, row {int(bad.argmax()) + 1}. Write values that are {kind}."
        )
    return values


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
