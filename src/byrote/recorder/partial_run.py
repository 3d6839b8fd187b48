"""Unfinished: the steps of a run that is not complete, a file for each, and their reading when it is."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from byrote.errors import ByroteError, InvalidData
from byrote.record import BASE_COLUMNS, Observed, Step
from byrote.recorder.batches import ROWS
from byrote.recorder.registry import Roll

pc: Any = pyarrow.compute  # its functions are made at import time, out of sight of a type checker


class Unfinished:
    """The steps of one run in `working/`, each written aside and renamed.

    They are not forced to the disk, which would cost more than all the rest; one that a power failure tore reads as missing.
    """

    def __init__(self, directory: Path, run: int) -> None:
        self._directory, self._run = directory, run
        self._held: set[int] = set()

    def take_over(self, step: int, roll: Roll) -> None:
        """Find what an earlier process recorded, and enter everyone of the steps before this one."""
        self._held = {int(path.stem[5:]) for path in self._directory.glob("step-*.arrow")}
        for each in sorted(self._held):
            try:
                table = self._read(each)
            except (pa.ArrowInvalid, OSError):
                self._held.discard(each)
                continue
            if each < step:
                roll.add(table["example"].to_pylist(), table["label"].to_numpy().astype(np.int64))

    def write(self, step: int, said: Sequence[pa.RecordBatch]) -> None:
        """Write one step, and drop what was recorded of it and of later ones; raise ByroteError when earlier ones are missing."""
        self._check_before(step)
        table = pa.Table.from_batches(said)
        if len(said) > 1:
            _check_members(table)
        aside = self._directory / f".step-{step:05d}.tmp"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for later in [each for each in self._held if each > step]:
                self._path(later).unlink(missing_ok=True)
                self._held.discard(later)
            with pa.OSFile(str(aside), "wb") as file, pa.ipc.new_file(file, ROWS) as writer:
                writer.write_table(table)
            aside.replace(self._path(step))
        except OSError as error:
            raise ByroteError(
                f"Cannot write {self._path(step)} ({error.strerror}). Make room or choose another directory; what is finished is kept."
            ) from None
        self._held.add(step)

    def people(self) -> tuple[list[str], NDArray[np.int64], NDArray[np.bool_]]:
        """Return the names of all steps, their labels, and who is a member: seen, or said to be one."""
        known = ROWS.empty_table().select(["example", "label", "member"])
        for step in sorted(self._held):
            told = pa.concat_tables([known, self._read(step).select(known.column_names)])
            merged = told.group_by("example", use_threads=False).aggregate([("label", "max"), ("member", "max")])
            known = merged.select(["example", "label_max", "member_max"]).rename_columns(known.column_names)
        labels = known["label"].to_numpy().astype(np.int64)
        return known["example"].to_pylist(), labels, known["member"].to_numpy() == 1

    def steps(self, ids: NDArray[np.str_]) -> Iterator[Step]:
        """Yield each step with positions in `ids`."""
        everyone = pa.array(ids, pa.string())
        for step in sorted(self._held):
            table = self._read(step)
            where = pc.index_in(table["example"], value_set=everyone).to_numpy()
            seen = table["seen"].to_numpy()
            values = {name: table[name].to_numpy() for name in BASE_COLUMNS}
            yield Step(step, _observed(values, where, ~seen), _observed(values, where, seen))

    def remove(self) -> None:
        """Remove all steps, now that the run is complete."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _check_before(self, step: int) -> None:
        missing = [str(each) for each in range(1, step) if each not in self._held]
        if missing:
            told = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise ByroteError(
                f"Step {step} of run {self._run} was ended, but {self._directory} lacks the steps before it: {told}. "
                "Resume in the directory where they were recorded, or begin the run again from step 1."
            )

    def _path(self, step: int) -> Path:
        return self._directory / f"step-{step:05d}.arrow"

    def _read(self, step: int) -> pa.Table:
        with pa.OSFile(str(self._path(step))) as file:
            return pa.ipc.open_file(file).read_all()


def _check_members(said: pa.Table) -> None:
    """Raise InvalidData for who was seen and is said to be no member."""
    absent = said["member"].to_numpy() == 0
    if absent.any():
        names = said["example"].to_numpy()
        for name in np.intersect1d(names[absent], names[said["seen"].to_numpy()])[:1]:
            raise InvalidData(
                f"{name!r} was given to `seen` and then called no member. What `seen` meets is trained on: leave `member` out."
            )


def _observed(
    values: dict[str, NDArray[np.generic]], where: NDArray[np.int64], which: NDArray[np.bool_]
) -> Observed | None:
    """Return what one pass said, or None when there was none. The last word of an example stands last, and stays."""
    return Observed(where[which], {name: value[which] for name, value in values.items()}) if which.any() else None
