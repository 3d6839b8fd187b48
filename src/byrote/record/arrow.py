"""Tables for other libraries, through the Arrow PyCapsule interface: polars, pandas, pyarrow and DuckDB read it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def arrow_table(columns: Mapping[str, Any]) -> pa.Table:
    """Return columns of one length as a table; NaN becomes null, and mixed values their text."""
    return pa.table({name: _column(values) for name, values in columns.items()})


def rows_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table, with the columns of all of them; what a row lacks is null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return arrow_table({name: [row.get(name) for row in rows] for name in names})


def arrow_stream(columns: Mapping[str, Any], requested_schema: object = None) -> object:
    """Return the capsule that `__arrow_c_stream__` gives to a library that asks for it."""
    return arrow_table(columns).__arrow_c_stream__(requested_schema)


def _column(values: Any) -> pa.Array:
    if isinstance(values, np.ndarray) and values.ndim == 2:
        flat = pa.array(np.ascontiguousarray(values).ravel(), from_pandas=True)
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if each is None else str(each) for each in values], pa.string())
