"""One run's file: what its columns are, and how it is written, a step at a time. The layout is docs/schema.md."""

import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.record.storage import Place, replacing

BASE_COLUMNS = {
    "loss": pa.float32(),
    "margin": pa.float32(),
    "confidence": pa.float32(),
    "residual": pa.float32(),
    "correct": pa.bool_(),
    "prediction": pa.int32(),
}
COLUMNS = {**BASE_COLUMNS, **{f"{name}_seen": kind for name, kind in BASE_COLUMNS.items()}}
CODED: Any = ["step", "example", "prediction", "prediction_seen"]
"""Columns with few values. The others are written plainly: a dictionary of floats costs time and space."""

RUN_SCHEMA = pa.schema(
    [
        ("step", pa.int32()),
        ("example", pa.dictionary(pa.int32(), pa.string())),
        ("member", pa.bool_()),
        *COLUMNS.items(),
    ]
)


@dataclass(frozen=True)
class Observed:
    """What one pass said about the examples at `positions`: named values, one per position."""

    positions: Int[ndarray, " example"]
    values: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Step:
    """One step of one run: the clean pass and the training pass, either of which may be absent, and the model's size.

    The clean pass may also say what probes were answered. `weight_norm` is the Euclidean norm of all trained weights.
    """

    step: int
    clean: Observed | None
    seen: Observed | None
    weight_norm: float | None = None


@contextmanager
def writing_run(
    path: Place,
    member: Bool[ndarray, " example"],
    ids: NDArray[np.str_],
    settings: Mapping[str, Any],
    aside: Path | None = None,
    probes: Sequence[str] = (),
) -> Generator[Callable[[Step], None]]:
    """Give what writes a step of one run, a row group each; the file has its name only when the block ends well.

    `aside` is a local scratch path that no one else writes to; `probes` are columns of the clean pass beyond the usual ones.
    """
    about = {"byrote.run": json.dumps(dict(settings), sort_keys=True)}
    schema = pa.schema([*RUN_SCHEMA, *((name, pa.float32()) for name in probes)], about)
    names, norms = pa.array(ids), dict[int, float]()
    with (
        replacing(path, aside) as scratch,
        pq.ParquetWriter(scratch, schema, compression="zstd", use_dictionary=CODED) as writer,
    ):

        def write(step: Step) -> None:
            writer.write_table(_rows(step, member, names, schema, probes), row_group_size=1 << 30)
            if step.weight_norm is not None:
                norms[step.step] = step.weight_norm

        yield write
        if norms:
            writer.add_key_value_metadata({"byrote.weight_norm": json.dumps(norms)})


def write_run(
    path: Place,
    steps: Iterable[Step],
    member: Bool[ndarray, " example"],
    ids: NDArray[np.str_],
    settings: Mapping[str, Any],
    aside: Path | None = None,
) -> None:
    """Write one run as its steps come."""
    with writing_run(path, member, ids, settings, aside) as write:
        for step in steps:
            write(step)


def _rows(
    step: Step, member: Bool[ndarray, " example"], ids: pa.Array, schema: pa.Schema, probes: Sequence[str]
) -> pa.Table:
    present = np.zeros(len(ids), np.bool_)
    for observed in (step.clean, step.seen):
        if observed is not None:
            present[observed.positions] = True
    positions = np.flatnonzero(present)
    columns: dict[str, pa.Array] = {
        "step": pa.array(np.full(len(positions), step.step), pa.int32()),
        "example": pa.DictionaryArray.from_arrays(pa.array(positions, pa.int32()), ids),
        "member": pa.array(member[positions]),
    }
    for observed, suffix in ((step.clean, ""), (step.seen, "_seen")):
        for name, kind in BASE_COLUMNS.items():
            columns[name + suffix] = _column(observed, name, kind, positions, len(ids))
    for name in probes:
        columns[name] = _column(step.clean, name, pa.float32(), positions, len(ids))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _column(
    observed: Observed | None, name: str, kind: pa.DataType, positions: Int[ndarray, " row"], n: int
) -> pa.Array:
    if observed is None or name not in observed.values:
        return pa.nulls(len(positions), kind)
    missing = np.ones(n, np.bool_)
    missing[observed.positions] = False
    values = np.zeros(n, observed.values[name].dtype)
    values[observed.positions] = observed.values[name]
    return pa.array(values[positions], kind, mask=missing[positions])
