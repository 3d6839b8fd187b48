"""What goes on while runs are trained: who trains which one, how far it is, and what is left to clean up.

All of it lies in a local folder, also when the record is far away: so several processes of one machine share the work.
Those of different machines cannot see each other; they may train the same run, whose bytes are the same.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from byrote.record import finished_runs
from byrote.record.storage import Place, replacing, scratch_folder


@contextmanager
def claim(directory: Place, run: int) -> Generator[bool]:
    """Hold the run's lock, if no other process of this machine does. The system frees it when its owner dies, however it dies."""
    path = scratch(directory, run, "lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def log(directory: Place, entry: dict[str, Any]) -> None:
    """Add a line to log.jsonl; where nothing can be appended to a file, write one for the run in log/."""
    line = json.dumps(entry) + "\n"
    if isinstance(directory, Path):
        with (directory / "log.jsonl").open("ab+") as file:
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                line = "\n" + line  # what a dying process has left of its line stays a line of its own
            file.write(line.encode())
    else:
        with replacing(directory / "log" / f"{entry['run']:04d}.json") as path:
            path.write_text(line)


def tidy(directory: Place) -> None:
    """Remove what finished runs left in the scratch folder, and the folder itself when nothing else is going on there."""
    finished = {f"{run:04d}" for run in finished_runs(directory)}
    with contextlib.suppress(OSError):
        for path in list(scratch_folder(directory).iterdir()):
            if path.suffix in (".lock", ".step", ".parquet") and path.stem in finished:
                path.unlink(missing_ok=True)
        scratch_folder(directory).rmdir()


def give_up(directory: Place, runs: Collection[int]) -> None:
    """Remove what these runs left in the scratch folder, but not of those that a living process is still training.

    Workers that are being ended have a second for it.
    """
    folder, names, end = scratch_folder(directory), {f"{run:04d}": run for run in runs}, time.monotonic() + 1.0
    begun = {names[path.stem] for path in folder.glob("*.lock") if path.stem in names}
    while begun and time.monotonic() < end:
        for run in list(begun):
            with claim(directory, run) as free:
                if free:
                    for suffix in ("step", "parquet", "lock"):
                        scratch(directory, run, suffix).unlink(missing_ok=True)
                    begun.remove(run)
        if begun:
            time.sleep(0.05)


def scratch(directory: Place, run: int, suffix: str) -> Path:
    """Return the path of one scratch file of a run, on this machine."""
    return scratch_folder(directory) / f"{run:04d}.{suffix}"


def ticked(directory: Place, run: int) -> int:
    """Return how many steps of an unfinished run are done, as far as this machine knows."""
    try:
        return int(scratch(directory, run, "step").read_text() or 0)
    except (FileNotFoundError, ValueError):
        return 0


def ticker(directory: Place, run: int) -> Callable[[int], None]:
    """Return what notes that a run has done a step, in a file that any process of this machine can read."""
    path = scratch(directory, run, "step")

    def tick(step: int) -> None:
        path.write_text(str(step))

    return tick
