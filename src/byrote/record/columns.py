"""Columns of finished runs, one of one run at a time, as NumPy arrays in the order of the record's examples."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence, WrongRecord
from byrote.record.lookahead import Lookahead
from byrote.record.parquet import Parquet, Tail
from byrote.record.run_file import KEYS, Layout
from byrote.record.storage import Place

pc: Any = pyarrow.compute  # its functions are made at import time, out of sight of a type checker

STEP, EXAMPLE = (KEYS.names.index(name) for name in ("step", "example"))

TAILS = 1 << 26
"""Bytes of ends of far files that are kept, so that each is read once."""


@dataclass(frozen=True)
class Part:
    """What some rows say: all of one step, about the examples at `positions`."""

    step: int
    positions: Int[ndarray, " row"]
    values: pa.ChunkedArray


@dataclass(frozen=True)
class Present:
    """Which examples a row group is about, when it is all of one step and in the order of the examples: a bit for each."""

    step: int
    bits: bytes


class RunColumns:
    """The runs of one record. Which examples a row group speaks about is read once and remembered.

    That is most of the work: the ids take ten times as long to read as a column of numbers. They are mostly the same
    in every step of a run, and then so are their bytes in the file.
    """

    def __init__(self, directory: Place, ids: NDArray[np.str_], runs: Sequence[int], layout: Layout, key: str) -> None:
        self._directory, self._ids = directory, pa.array(ids, pa.string())
        self._needed, self._key = {*layout.schema.names}, key
        self._kinds = {name: layout.schema.field(name).type for name in layout.schema.names if name != "example"}
        self._checked: set[int] = set()
        self._present: dict[tuple[int, int], Present] = {}
        self._patterns: dict[bytes, bytes] = {}
        self._tails: dict[int, Tail] = {}
        self._tail_bytes = 0
        self._coming = Lookahead(self._fetched, runs)

    def parts(self, run: int, column: str, step: int | None = None) -> Iterator[Part]:
        """Yield one column of one run, in parts, at one step (None: at all).

        Raises MissingEvidence when the run is not finished, WrongRecord when its file is not what it should be.
        """
        with self._open(run, column, step) as file:
            groups = _groups_with(file.metadata, step)
            if not self._knows(run, groups) and not self._learn(file, run, groups):
                yield from self._scattered(file, groups, column, step)
                return
            present = [self._present[run, group] for group in groups]
            where = {bits: self._unpack(bits) for bits in {each.bits for each in present}}
            values, start = file.read(groups, [column])[column], 0
            if len(values) != sum(len(where[each.bits]) for each in present):
                raise ValueError("it has changed since it was first read")
            for each in present:
                positions = where[each.bits]
                yield Part(each.step, positions, values.slice(start, len(positions)))
                start += len(positions)

    def settings(self, run: int) -> dict[str, Any]:
        """Return what the file says the bits of the run depend on."""
        with self._open(run, None, None) as file:
            return json.loads((file.metadata.metadata or {}).get(b"byrote.run", b"{}"))

    def scalar(self, run: int, name: str) -> dict[int, float]:
        """Return a number of the whole step, by step, as far as it was recorded."""
        with self._open(run, name, None) as file:
            groups = _groups_with(file.metadata, None)
            file.fetch(groups, ["step", name])
            table = file.read(groups, ["step", name])
            steps, first = np.unique(table["step"].to_numpy(), return_index=True)
            values = table[name].to_numpy()[first]
        return {int(step): float(value) for step, value in zip(steps, values, strict=True) if not np.isnan(value)}

    @contextmanager
    def _open(self, run: int, column: str | None, step: int | None) -> Generator[Parquet]:
        ask = self._fetched if column is None or isinstance(self._directory, Path) else self._coming.get
        try:
            with ask(run, column, step) as file:
                yield file
        except FileNotFoundError:
            raise MissingEvidence(f"Run {run} is not finished in {self._directory}. Collect it first.") from None
        except (pa.ArrowException, OSError, ValueError) as error:
            raise WrongRecord(
                f"{run_path(self._directory, run)} cannot be read ({error}). Delete the file and collect again: only this run is trained anew."
            ) from None

    def _fetched(self, run: int, column: str | None, step: int | None) -> Parquet:
        """Open a run's file; of a far one, bring what is needed to read this column."""
        file = Parquet(run_path(self._directory, run), self._tails.get(run))
        if run not in self._checked:
            self._check(file, run)
            self._checked.add(run)
        if file.tail is not None and run not in self._tails and self._tail_bytes < TAILS:
            self._tails[run] = file.tail
            self._tail_bytes += len(file.tail.data)
        if column is not None:
            groups = _groups_with(file.metadata, step)
            file.fetch(groups, [column] if self._knows(run, groups) else [column, "example"])
        return file

    def _check(self, file: Parquet, run: int) -> None:
        """Raise WrongRecord unless the file is this very run of this very record, with all the columns that it lists."""
        missing = [name for name in self._needed if name not in file.names]
        if missing:
            raise WrongRecord(
                f"{file.path} is not a run of this record: it lacks the column {min(missing)!r}, which record.json lists. Remove it."
            )
        for name, kind in self._kinds.items():
            if file.schema.field(name).type != kind:
                raise WrongRecord(
                    f"{file.path} has {name!r} as {file.schema.field(name).type}, and it must be {kind}. One of the two was changed: restore it."
                )
        about = json.loads((file.metadata.metadata or {}).get(b"byrote.run", b"{}"))
        for what, found, right in (("key", about.get("key"), self._key), ("number", about.get("run"), run)):
            if found != right:
                raise WrongRecord(
                    f"{file.path} is a run of another audit: its {what} is {found!r}, and that of this record {right!r}. Remove it."
                )

    def _knows(self, run: int, groups: Sequence[int]) -> bool:
        return all((run, group) in self._present for group in groups)

    def _learn(self, file: Parquet, run: int, groups: Sequence[int]) -> bool:
        """Find out which examples these row groups are about; return whether each is of one step and in order."""
        known: dict[bytes, bytes] = {}
        for group in groups:
            step, written = _only_step(file.metadata, group), file.written(group, EXAMPLE)
            if step is None:
                return False
            if written not in known:
                positions = self._positions(file.path, file.read([group], ["example"])["example"])
                if (np.diff(positions) <= 0).any():
                    return False
                listed = np.zeros(len(self._ids), np.bool_)
                listed[positions] = True
                known[written] = np.packbits(listed).tobytes()
            bits = self._patterns.setdefault(known[written], known[written])
            self._present[run, group] = Present(step, bits)
        return True

    def _unpack(self, bits: bytes) -> Int[ndarray, " row"]:
        return np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8), count=len(self._ids)))

    def _scattered(self, file: Parquet, groups: Sequence[int], column: str, step: int | None) -> Iterator[Part]:
        """Yield the parts of a file whose rows are in another order than byrote writes them."""
        names = list(dict.fromkeys([column, "example", "step"]))
        file.fetch(groups, names)
        table = file.read(groups, names)
        positions, steps = self._positions(file.path, table["example"]), table["step"].to_numpy()
        for each in np.unique(steps).tolist() if step is None else [step]:
            rows = steps == each
            yield Part(each, positions[rows], table[column].filter(pa.array(rows)))

    def _positions(self, path: Place, examples: pa.ChunkedArray) -> Int[ndarray, " row"]:
        parts = [np.zeros(0, np.int64)]
        for chunk in examples.chunks:
            indices = chunk.indices.to_numpy().astype(np.int64)
            if chunk.dictionary.equals(self._ids[: len(chunk.dictionary)]):  # as in every file that byrote has written
                parts.append(indices)
                continue
            where = pc.index_in(chunk.dictionary, value_set=self._ids)
            if where.null_count:
                stranger = chunk.dictionary[pc.index(where.is_null(), True).as_py()].as_py()
                raise WrongRecord(
                    f"{path} speaks of example {stranger!r}, which examples.parquet does not list. They belong to different records."
                )
            parts.append(where.to_numpy()[indices])
        return np.concatenate(parts)


def run_path(directory: Place, run: int) -> Place:
    """Return where a run's file is, or will be."""
    return directory / "runs" / f"{run:04d}.parquet"


def _groups_with(metadata: pq.FileMetaData, step: int | None) -> list[int]:
    """Return the row groups that can hold this step (all, when None), by their statistics."""
    every = range(metadata.num_row_groups)
    if step is None:
        return list(every)
    statistics = [metadata.row_group(i).column(STEP).statistics for i in every]
    return [i for i, s in enumerate(statistics) if s is None or not s.has_min_max or s.min <= step <= s.max]


def _only_step(metadata: pq.FileMetaData, group: int) -> int | None:
    """Return the step that all rows of a row group are of, if its statistics say so."""
    statistics = metadata.row_group(group).column(STEP).statistics
    return statistics.min if statistics and statistics.has_min_max and statistics.min == statistics.max else None
