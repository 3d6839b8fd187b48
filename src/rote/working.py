"""What goes on in working/: who trains which run, how far it is, and what is left to clean up."""

import contextlib
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rote.record import Step, finished_runs


@contextmanager
def claim(directory: Path, run: int) -> Generator[bool]:
    """Hold the run's lock, if no other process does. The system frees it when its owner dies, however it dies."""
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


def log(directory: Path, entry: dict[str, Any]) -> None:
    """Add a line to log.jsonl."""
    with (directory / "log.jsonl").open("a") as file:
        file.write(json.dumps(entry) + "\n")


def tidy(directory: Path) -> None:
    """Remove what finished runs left in working/, and the folder itself when nothing else is going on there."""
    for run in finished_runs(directory):
        for suffix in ("lock", "step", "parquet"):
            scratch(directory, run, suffix).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (directory / "working").rmdir()


def scratch(directory: Path, run: int, suffix: str) -> Path:
    """Return the path of one scratch file of a run."""
    return directory / "working" / f"{run:04d}.{suffix}"


def ticked(directory: Path, run: int) -> int:
    """Return how many steps of an unfinished run are done."""
    try:
        return int(scratch(directory, run, "step").read_text() or 0)
    except (FileNotFoundError, ValueError):
        return 0


def ticking(steps: Iterator[Step], path: Path, tick: Callable[[], None]) -> Iterator[Step]:
    """Pass steps on, and leave the number of the last one in a file that any process can read."""
    for step in steps:
        yield step
        path.write_text(str(step.step))
        tick()
