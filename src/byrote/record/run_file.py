"""One run's file: what its columns are, and how it is written, a step at a time. The layout is docs/schema.md."""

import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.objectives import Objective
from byrote.record.parquet import seal
from byrote.record.storage import Place, replacing

TYPES = {"bool": pa.bool_(), "int32": pa.int32(), "float32": pa.float32(), "float64": pa.float64()}
"""The types that a column may have, as record.json spells them."""

KEYS = pa.schema([("step", pa.int32()), ("example", pa.dictionary(pa.int32(), pa.string())), ("member", pa.bool_())])
"""The columns of every run file; the others are listed in record.json."""

SEEN = "_seen"
"""Ends the name of a column of the training pass."""


@dataclass(frozen=True)
class Layout:
    """Which columns the run files of a record have, besides `step`, `example` and `member`: their types by name.

    `columns` have a value per step and example, `scalars` one per step (float64).
    """

    columns: Mapping[str, str]
    scalars: tuple[str, ...] = ()

    @classmethod
    def of(cls, objective: Objective, *, probes: Sequence[str] = (), scalars: Sequence[str] = ()) -> "Layout":
        """Return the layout of runs that learn an objective and answer probes."""
        clean = objective.columns()
        seen = {f"{name}{SEEN}": clean[name] for name in objective.training_columns()}
        return cls({**clean, **seen, **dict.fromkeys(probes, "float32")}, tuple(scalars))

    @property
    def schema(self) -> pa.Schema:
        """All columns of a file, in order."""
        columns = [(name, TYPES[kind]) for name, kind in self.columns.items()]
        return pa.schema([*KEYS, *columns, *((name, pa.float64()) for name in self.scalars)])

    def values(self) -> dict[str, Any]:
        """Return it as it stands in record.json."""
        return {"columns": dict(self.columns), "scalars": list(self.scalars)}


@dataclass(frozen=True)
class Observed:
    """One pass over the examples at `positions`: named values, one per position."""

    positions: Int[ndarray, " example"]
    values: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Step:
    """One step of one run: the clean pass and the training pass, either of which may be absent, and numbers about the step.

    The clean pass may also hold the answers of probes. `scalars` are what the whole step has one of: the learning rate,
    the weight decay, the norm of the weights, and whatever else a run sets or measures.
    """

    step: int
    clean: Observed | None
    seen: Observed | None
    scalars: Mapping[str, float] = field(default_factory=dict[str, float])


@checked
@contextmanager
def writing_run(
    path: Place,
    member: Bool[ndarray, " example"],
    ids: NDArray[np.str_],
    settings: Mapping[str, Any],
    layout: Layout,
    aside: Path | None = None,
) -> Generator[Callable[[Step], None]]:
    """Give what writes a step of one run, a row group each; the file has its name only when the block ends well.

    `settings` must hold the run's number (`run`) and the record's `key`, which readers compare. `aside` is a local
    scratch path that no one else writes to.
    """
    missing = [name for name in ("run", "key") if name not in settings]
    if missing:
        raise InvalidData(f"The settings of a run must hold {' and '.join(missing)}. They say whose run it is.")
    schema = layout.schema.with_metadata({"byrote.run": json.dumps(dict(settings), sort_keys=True)})
    names = pa.array(ids)
    with replacing(path, aside) as scratch:
        with pq.ParquetWriter(
            scratch, schema, compression="zstd", use_dictionary=_coded(layout), write_page_checksum=True
        ) as writer:

            def write(step: Step) -> None:
                writer.write_table(_rows(step, member, names, layout, schema), row_group_size=1 << 30)

            yield write
        seal(scratch)


@checked
def write_run(
    path: Place,
    steps: Iterable[Step],
    member: Bool[ndarray, " example"],
    ids: NDArray[np.str_],
    settings: Mapping[str, Any],
    layout: Layout,
    aside: Path | None = None,
) -> None:
    """Write one run as its steps come."""
    with writing_run(path, member, ids, settings, layout, aside) as write:
        for step in steps:
            write(step)


def _coded(layout: Layout) -> Any:
    """Return the columns with few values. The others are written plainly: a dictionary of floats costs time and space."""
    return ["step", "example", *(name for name, kind in layout.columns.items() if kind == "int32"), *layout.scalars]


def _rows(step: Step, member: Bool[ndarray, " example"], ids: pa.Array, layout: Layout, schema: pa.Schema) -> pa.Table:
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
    for name, kind in layout.columns.items():
        observed = step.seen if name.endswith(SEEN) else step.clean
        columns[name] = _column(observed, name.removesuffix(SEEN), TYPES[kind], positions, len(ids))
    for name in layout.scalars:
        value = step.scalars.get(name)
        columns[name] = pa.array(
            np.full(len(positions), np.nan if value is None else value), mask=np.full(len(positions), value is None)
        )
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
