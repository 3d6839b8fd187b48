"""The steps of a run that is not complete, a file for each, and their reading when it is."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Classification
from byrote.record import Observed, Step
from byrote.recorder.batches import Rows
from byrote.recorder.registry import Registry

pc: Any = pyarrow.compute  # its functions are made at import time, out of sight of a type checker


class PartialRun:
    """The steps of one run in `working/`, each written aside and renamed.

    They are not forced to the disk, which would cost more than all the rest; one that a power failure tore reads as missing.
    """

    def __init__(self, directory: Path, run: int) -> None:
        self._directory, self._run = directory, run
        self.layout = Rows(Classification())
        self._held: set[int] = set()

    def take_over(self, step: int, registry: Registry) -> None:
        """Find what an earlier process recorded, and enter all examples of the steps before this one."""
        self._held = {int(path.stem[5:]) for path in self._directory.glob("step-*.arrow")}
        for each in sorted(self._held):
            try:
                table = self._read(each)
            except (pa.ArrowInvalid, OSError):
                self._held.discard(each)
                continue
            if each < step:
                registry.add(table["example"].to_pylist(), self.layout.read_labels(table))

    def write(self, step: int, recorded: Sequence[pa.RecordBatch]) -> None:
        """Write one step, and drop what was recorded of it and of later ones; raise ByroteError when earlier ones are missing."""
        self._check_before(step)
        table = pa.Table.from_batches(recorded)
        if len(recorded) > 1:
            _check_members(table)
        aside = self._directory / f".step-{step:05d}.tmp"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for later in [each for each in self._held if each > step]:
                self._path(later).unlink(missing_ok=True)
                self._held.discard(later)
            with pa.OSFile(str(aside), "wb") as file, pa.ipc.new_file(file, self.layout.schema) as writer:
                writer.write_table(table)
            aside.replace(self._path(step))
        except OSError as error:
            raise ByroteError(
                f"Cannot write {self._path(step)} ({error.strerror}). Make room or choose another directory; what is finished is kept."
            ) from None
        self._held.add(step)

    def examples(self) -> tuple[list[str], NDArray[Any], NDArray[np.bool_]]:
        """Return the names in all steps, their labels, and which are members: seen, or declared as such."""
        columns = ["example", *self.layout.labels, "member"]
        known = self.layout.schema.empty_table().select(columns)
        for step in sorted(self._held):
            both = pa.concat_tables([known, self._read(step).select(columns)])
            merged = both.group_by("example", use_threads=False).aggregate([(name, "max") for name in columns[1:]])
            known = merged.select(["example", *(f"{name}_max" for name in columns[1:])]).rename_columns(columns)
        return known["example"].to_pylist(), self.layout.read_labels(known), known["member"].to_numpy() == 1

    def steps(self, ids: NDArray[np.str_]) -> Iterator[Step]:
        """Yield each step with positions in `ids`."""
        listed = pa.array(ids, pa.string())
        for step in sorted(self._held):
            table = self._read(step)
            where = pc.index_in(table["example"], value_set=listed).to_numpy()
            seen = table["seen"].to_numpy()
            values = {name: table[name].to_numpy() for name in self.layout.objective.columns()}
            yield Step(step, _observed(values, where, ~seen), _observed(values, where, seen))

    def remove(self) -> None:
        """Remove all steps, now that the run is complete."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _check_before(self, step: int) -> None:
        missing = [str(each) for each in range(1, step) if each not in self._held]
        if missing:
            listed = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise ByroteError(
                f"Step {step} of run {self._run} was ended, but {self._directory} lacks the steps before it: {listed}. "
                "Resume in the directory where they were recorded, or begin the run again from step 1."
            )

    def _path(self, step: int) -> Path:
        return self._directory / f"step-{step:05d}.arrow"

    def _read(self, step: int) -> pa.Table:
        with pa.OSFile(str(self._path(step))) as file:
            return pa.ipc.open_file(file).read_all()


def _check_members(recorded: pa.Table) -> None:
    """Raise InvalidData for an example that was seen and is declared no member."""
    absent = recorded["member"].to_numpy() == 0
    if absent.any():
        names = recorded["example"].to_numpy()
        for name in np.intersect1d(names[absent], names[recorded["seen"].to_numpy()])[:1]:
            raise InvalidData(
                f"{name!r} was given to `seen` and then called no member. What `seen` meets is trained on: leave `member` out."
            )


def _observed(
    values: dict[str, NDArray[np.generic]], where: NDArray[np.int64], which: NDArray[np.bool_]
) -> Observed | None:
    """Return one pass, or None when there was none. Of an example that comes twice, the last row counts."""
    return Observed(where[which], {name: value[which] for name, value in values.items()}) if which.any() else None
