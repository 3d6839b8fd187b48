"""Record: what models said about examples, and who was trained on whom. The layout on disk is docs/schema.md."""

import json
import os
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from rote.errors import MissingEvidence, RoteError, WrongRecord, unknown
from rote.pictures import decode, encode

pc: Any = pyarrow.compute  # its functions are made at import time, out of sight of a type checker

SCHEMA = 1
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


@dataclass(frozen=True, eq=False)
class Population:
    """Everyone a record speaks about, in a fixed order: one entry per example in every array. Empty strings mean "none"."""

    ids: NDArray[np.str_]
    split: NDArray[np.str_]
    labels: NDArray[np.int64]
    canary: NDArray[np.str_]
    verification: NDArray[np.bool_]
    source: NDArray[np.str_]
    true_label: NDArray[np.int64]
    groups: NDArray[np.str_]
    inputs: NDArray[Any]
    """uint8 or float; after reading a record, what pictures and vectors keep of them."""

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, split: str) -> Bool[ndarray, " example"]:
        """Return the mask of `train`, `test`, `canary` or `all`; canaries are in none but the last two."""
        if split not in ("train", "test", "canary", "all"):
            raise unknown("split", split, ("train", "test", "canary", "all"))
        return np.ones(len(self), np.bool_) if split == "all" else self.split == split


@dataclass(frozen=True)
class Observed:
    """What one pass said about the examples at `positions`: named values, one per position."""

    positions: Int[ndarray, " example"]
    values: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Step:
    """One step of one run: the clean pass and the training pass, either of which may be absent."""

    step: int
    clean: Observed | None
    seen: Observed | None


class Record:
    """Read access to one record directory. Columns are read when asked for; only the examples and memberships stay in memory."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self.manifest = read_manifest(self.directory)
        self.population = _read_population(self.directory / "examples.parquet")
        self.runs = finished_runs(self.directory)
        self._ids = pa.array(self.population.ids)
        self._members: dict[int, Bool[ndarray, " example"]] = {}

    def __repr__(self) -> str:
        return f"Record({str(self.directory)!r}: {len(self.runs)} runs, {len(self.population)} examples)"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by label."""
        return tuple(self.manifest["task"]["classes"])

    @property
    def last_step(self) -> int:
        """The step at which everyone was asked once more."""
        return int(self.manifest["steps"]["last"])

    def member(self, run: int) -> Bool[ndarray, " example"]:
        """Return who was trained on in this run."""
        if run not in self._members:
            member = np.zeros(len(self.population), np.bool_)
            for step in (
                self.last_step,
                None,
            ):  # the last step alone tells of everyone, unless a user's loop recorded less
                table, positions = self._read(run, ["member"], step)
                member[positions] = table["member"].to_numpy()
                if len(positions) == len(member):
                    break
            self._members[run] = member
        return self._members[run]

    def at_step(self, run: int, column: str, step: int) -> NDArray[Any]:
        """Return one value per example at one step, as float with NaN where nothing was recorded (or bool, int when all was)."""
        table, positions = self._read(run, [column], step)
        return _spread(table[column], positions, len(self.population))

    def over_steps(self, run: int, column: str) -> NDArray[Any]:
        """Return `[step, example]` for steps 1 to the last, as float with NaN where nothing was recorded."""
        table, positions = self._read(run, ["step", column], None)
        rows = table["step"].to_numpy() - 1
        if len(rows) and rows.max() >= self.last_step:
            raise WrongRecord(
                f"{self._path(run)} has step {rows.max() + 1}, but the record ends at {self.last_step}. Remove it."
            )
        values = np.full((self.last_step, len(self.population)), np.nan, np.float32)
        values[rows, positions] = _floats(table[column])
        return values

    def run_settings(self, run: int) -> dict[str, Any]:
        """Return the settings that the bits of this run depend on: seed, versions, threads, device."""
        metadata = pq.read_schema(self._path(run)).metadata or {}
        return json.loads(metadata.get(b"rote.run", b"{}"))

    def seconds(self) -> dict[int, float]:
        """Return how long each finished run took, as far as the log knows."""
        path = self.directory / "log.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return {entry["run"]: entry["seconds"] for entry in map(json.loads, lines)}

    def _path(self, run: int) -> Path:
        return run_path(self.directory, run)

    def _read(self, run: int, columns: list[str], step: int | None) -> tuple[pa.Table, Int[ndarray, " row"]]:
        for column in columns:
            if column not in RUN_SCHEMA.names:
                raise unknown("column", column, COLUMNS)
        if step is not None and not 1 <= step <= self.last_step:
            raise MissingEvidence(
                f"Step {step} was asked for, but this record has steps 1 to {self.last_step}. Name one of these."
            )
        path = self._path(run)
        try:
            file = pq.ParquetFile(path, read_dictionary=["example"])
            if file.schema_arrow.names != RUN_SCHEMA.names:
                raise WrongRecord(
                    f"{path} is not a run of schema {SCHEMA}: it has columns {file.schema_arrow.names[:4]}... Remove it."
                )
            wanted = [*columns, "example"] if step is None else [*columns, "example", "step"]
            groups = _groups_with(file.metadata, file.schema_arrow.names.index("step"), step)
            table = file.read_row_groups(groups, columns=wanted).unify_dictionaries().combine_chunks()
        except FileNotFoundError:
            raise MissingEvidence(f"Run {run} is not finished in {self.directory}. Collect it first.") from None
        except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
            raise WrongRecord(
                f"{path} cannot be read ({error}). Delete the file and collect again: only this run is trained anew."
            ) from None
        if step is not None:
            table = table.filter(pc.field("step") == step)
        return table, self._positions(path, table["example"])

    def _positions(self, path: Path, examples: pa.ChunkedArray) -> Int[ndarray, " row"]:
        parts: list[NDArray[np.int64]] = []
        for chunk in examples.chunks:
            where = pc.index_in(chunk.dictionary, value_set=self._ids)
            if where.null_count:
                stranger = chunk.dictionary[pc.index(where.is_null(), True).as_py()].as_py()
                raise WrongRecord(
                    f"{path} speaks of example {stranger!r}, which examples.parquet does not list. They belong to different records."
                )
            parts.append(where.to_numpy()[chunk.indices.to_numpy()])
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def run_path(directory: Path, run: int) -> Path:
    """Return where a run's file is, or will be."""
    return directory / "runs" / f"{run:04d}.parquet"


def finished_runs(directory: Path) -> tuple[int, ...]:
    """Return the numbers of all runs whose file is there, in order."""
    names = (path.stem for path in (directory / "runs").glob("*.parquet"))
    return tuple(sorted(int(name) for name in names if name.isdigit()))


def read_manifest(directory: Path) -> dict[str, Any]:
    """Return record.json; raise WrongRecord when there is none or when it has another schema."""
    path = directory / "record.json"
    try:
        manifest = json.loads(path.read_text())
        schema = manifest["schema"]
        if schema == SCHEMA:
            _ = manifest["task"]["classes"], manifest["steps"]["last"]
    except FileNotFoundError:
        raise WrongRecord(
            f"{directory} is not a record: it has no record.json. Give a directory that `rote audit` has written."
        ) from None
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError):
        raise WrongRecord(
            f"{path} cannot be read as a manifest. Restore it, or collect into another directory."
        ) from None
    if schema != SCHEMA:
        raise WrongRecord(
            f"{directory} has schema version {schema}, but this rote reads version {SCHEMA}. Collect again into another directory."
        )
    return manifest


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write record.json aside and rename it."""
    with replacing(directory / "record.json") as path:
        path.write_text(json.dumps({"schema": SCHEMA, **manifest}, indent=2) + "\n")


def write_population(directory: Path, population: Population) -> None:
    """Write examples.parquet aside and rename it."""
    shown = encode(population.inputs)
    table = pa.table(
        {
            "example": pa.array(population.ids),
            "split": pa.array(population.split),
            "label": pa.array(population.labels, pa.int32()),
            "canary": _text(population.canary),
            "verification": pa.array(population.verification),
            "source": _text(population.source),
            "true_label": pa.array(population.true_label, pa.int32(), mask=population.true_label < 0),
            "group": _text(population.groups),
            "picture": pa.array(shown.pictures or [None] * len(population), pa.binary()),
            "vector": pa.array(
                shown.vectors if shown.vectors is not None else [None] * len(population),
                pa.list_(pa.float32()),
            ),
        }
    )
    with replacing(directory / "examples.parquet") as path:
        pq.write_table(table, path, compression="zstd")


def write_run(
    path: Path,
    steps: Iterable[Step],
    member: Bool[ndarray, " example"],
    ids: NDArray[np.str_],
    settings: Mapping[str, Any],
    aside: Path | None = None,
) -> None:
    """Write one run as its steps come, a row group each; the file has its name only when the last one is in it."""
    schema = RUN_SCHEMA.with_metadata({"rote.run": json.dumps(dict(settings), sort_keys=True)})
    names = pa.array(ids)
    with (
        replacing(path, aside) as scratch,
        pq.ParquetWriter(scratch, schema, compression="zstd", use_dictionary=CODED) as writer,
    ):
        for step in steps:
            writer.write_table(_rows(step, member, names, schema), row_group_size=1 << 30)


@contextmanager
def replacing(path: Path, aside: Path | None = None) -> Generator[Path]:
    """Give a scratch path and rename it over `path` when the block ends well: a reader never sees half a file.

    `aside` is a scratch path on the same disk that no one else writes to; without it, one is made beside `path`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if aside is None:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
            os.close(handle)
            aside = Path(name)
    except OSError as error:
        raise RoteError(
            f"Cannot write to {path.parent} ({error.strerror}). Choose another directory, or make this one writable."
        ) from None
    try:
        yield aside
        aside.chmod(0o644)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise RoteError(
            f"Cannot write {path} ({error.strerror or error}). Make room or choose another directory; what is finished is kept."
        ) from None
    finally:
        aside.unlink(missing_ok=True)


def _rows(step: Step, member: Bool[ndarray, " example"], ids: pa.Array, schema: pa.Schema) -> pa.Table:
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


def _read_population(path: Path) -> Population:
    try:
        table = pq.read_table(path)
        columns = {name: table[name] for name in ("example", "split", "canary", "source", "group")}
        text = {name: np.array(column.fill_null("").to_pylist(), dtype=np.str_) for name, column in columns.items()}
        return Population(
            ids=text["example"],
            split=text["split"],
            labels=table["label"].to_numpy().astype(np.int64),
            canary=text["canary"],
            verification=table["verification"].to_numpy(),
            source=text["source"],
            true_label=table["true_label"].fill_null(-1).to_numpy().astype(np.int64),
            groups=text["group"],
            inputs=decode(table["picture"].to_pylist(), table["vector"].to_pylist()),
        )
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise WrongRecord(f"{path} cannot be read ({error}). Restore it, or collect into another directory.") from None


def _groups_with(metadata: pq.FileMetaData, column: int, step: int | None) -> list[int]:
    """Return the row groups that can hold this step (all, when None), by their statistics."""
    every = range(metadata.num_row_groups)
    if step is None:
        return list(every)
    statistics = [metadata.row_group(i).column(column).statistics for i in every]
    return [i for i, s in enumerate(statistics) if s is None or not s.has_min_max or s.min <= step <= s.max]


def _spread(column: pa.ChunkedArray, positions: Int[ndarray, " row"], n: int) -> NDArray[Any]:
    if len(positions) == n and not column.null_count:
        values = column.to_numpy()
        full = np.empty(n, values.dtype)
        full[positions] = values
        return full
    values = np.full(n, np.nan, np.float32)
    values[positions] = _floats(column)
    return values


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    return pc.cast(column, pa.float32()).to_numpy().astype(np.float32)


def _text(values: NDArray[np.str_]) -> pa.Array:
    return pa.array(values, pa.string(), mask=values == "")
