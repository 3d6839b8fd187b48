"""Conduct: train the parts of experiments that are missing in a directory, and say how far it is. What is there is kept."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from byrote.errors import ByroteError, WorkerDied
from byrote.experiments.reproductions.experiment import Bench, Found, Part
from byrote.record.storage import replacing
from byrote.training.compute import Compute
from byrote.training.progress import Progress, Watcher
from byrote.training.workers import cores, worker_pool
from byrote.version import __version__

STEPS = 100
"""Steps of progress of one part."""

POLL_SECONDS = 0.2
TICK_SECONDS = 0.5


def part_file(part: Part, directory: Path) -> Path:
    """Return where a part's numbers are kept: its name, and a digest of all that they depend on."""
    what = [part.train.__module__, part.train.__qualname__, dict(part.options), __version__]
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]
    return directory / "parts" / f"{re.sub(r'[^a-z0-9.]+', '-', part.name.lower()).strip('-')}-{digest}.json"


def read_part(part: Part, directory: Path) -> Found | None:
    """Return what a part found, or None where it is not there, or not readable."""
    try:
        return dict(json.loads(part_file(part, directory).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def conduct(
    parts: Sequence[Part], directory: Path, *, data: Path | None, compute: Compute, progress: Watcher | None
) -> dict[str, Found]:
    """Train the missing parts and return what all of them found, by name, in their order.

    Equal parts are trained once. A part is complete or absent: after an interruption the same call goes on. With more than
    one worker, each part is trained by a process of its own with one thread.
    """
    missing = list({part_file(part, directory): part for part in parts if read_part(part, directory) is None}.values())
    watch = _Watch(missing, directory, progress)
    if missing:
        device = compute.device
        default = 1 if device.startswith("cuda") else cores()
        workers = min(compute.workers or default, len(missing))
        if workers == 1 and compute.executor is None:
            for part in missing:
                _train(part, directory, data, device, watch)
        else:
            _in_pool(missing, directory, data, device, workers, compute.executor, watch)
    watch()
    found = {part.name: read_part(part, directory) for part in parts}
    lost = [name for name, value in found.items() if value is None]
    if lost:
        raise ByroteError(f"The numbers of {lost[0]!r} in {directory} disappeared. Run the same command again.")
    return {name: value for name, value in found.items() if value is not None}


@dataclass
class _Watch:
    """Tells the caller how far the missing parts are: those that are there, and the ticks of those at work."""

    missing: Sequence[Part]
    directory: Path
    progress: Watcher | None
    most: int = 0

    def __post_init__(self) -> None:
        self.left = [(part_file(part, self.directory), _tick_file(part, self.directory)) for part in self.missing]
        self()

    def __call__(self) -> None:
        self.left = [files for files in self.left if not files[0].exists()]
        done = len(self.missing) - len(self.left)
        steps = STEPS * done + sum(int(STEPS * _ticked(tick)) for _, tick in self.left)
        self.most = max(self.most, steps)
        if self.progress is not None and self.missing:
            self.progress(Progress(self.most, STEPS * len(self.missing), done, len(self.missing)))


def _tick_file(part: Part, directory: Path) -> Path:
    return directory / "working" / f"{part_file(part, directory).stem}.tick"


def _ticked(tick: Path) -> float:
    try:
        return float(tick.read_text())
    except (OSError, ValueError):
        return 0.0


def _train(
    part: Part, directory: Path, data: Path | None, device: str, after: Callable[[], None] | None = None
) -> None:
    """Train a part and keep what it found. `after` is called now and then."""
    from byrote.training.hardware import one_thread

    target, tick = part_file(part, directory), _tick_file(part, directory)
    tick.parent.mkdir(parents=True, exist_ok=True)
    last = time.monotonic()

    def note(share: float) -> None:
        nonlocal last
        if time.monotonic() - last > TICK_SECONDS:
            last = time.monotonic()
            tick.write_text(f"{share:.3f}")
            if after is not None:
                after()

    try:
        with one_thread():
            found = part.train(Bench(data, device, note), **part.options)
        with replacing(target) as aside:
            aside.write_text(json.dumps(found), encoding="utf-8")
    finally:
        tick.unlink(missing_ok=True)
    if after is not None:
        after()


def _in_pool(
    missing: Sequence[Part], directory: Path, data: Path | None, device: str, workers: int,
    executor: Executor | None, watch: _Watch,
) -> None:  # fmt: skip
    """Train in processes; an error of one ends all, and what is finished is kept."""
    if executor is not None:
        _wait([executor.submit(_train, part, directory, data, device) for part in missing], watch)
        return
    import loky

    try:
        with worker_pool(workers) as pool:
            _wait([pool.submit(_train, part, directory, data, device) for part in missing], watch)
    except loky.process_executor.TerminatedWorkerError:
        raise WorkerDied(
            f"A worker process died, probably for lack of memory, with {workers} at work. Use fewer; what is finished is kept in {directory}."
        ) from None


def _wait(futures: Sequence["Future[None]"], watch: Callable[[], None]) -> None:
    left = list(futures)
    while left:
        for future in [each for each in left if each.done()]:
            future.result()
            left.remove(future)
        watch()
        time.sleep(POLL_SECONDS)
