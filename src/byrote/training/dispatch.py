"""Who trains: this process, a process per core, or any executor. What needs more memory than there is goes on with less."""

import contextlib
import logging
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
from filelock import FileLock, Timeout

from byrote.errors import ByroteError, OutOfMemory, WorkerDied
from byrote.record import finished_runs
from byrote.record.storage import exists
from byrote.task.fit import Fit
from byrote.training.deletion import check_there, naming_deletion
from byrote.training.job import Job
from byrote.training.memory import prepare_process
from byrote.training.workers import cores, worker_pool

POLL_SECONDS = 0.2
QUEUED = 2
"""Packs handed out per worker: one at work, one waiting. What is unfinished is never more than this when all is lost."""

logger = logging.getLogger("byrote")

Watch = Callable[[Sequence[int], Sequence[int]], None]
"""Called with the runs that have just been finished, and those that may be at work, every fifth of a second or so."""


def train_all(
    job: Job, missing: Sequence[int], blocks: Sequence[int], workers: int, executor: Executor | None, watch: Watch
) -> None:
    """Train runs until all are there; those that another process has claimed are waited for, and taken over if it dies.

    Raises ByroteError when not even one model at a time can be trained or the directory is deleted, and what training raises.
    """
    todo, pooled = list(missing), workers > 1  # a worker that dies of memory leaves its parent alive, also a single one
    while todo:
        with naming_deletion(job.directory):
            packs = cut(todo, blocks, job.engine.pack)
            job, workers = _attempt(job, packs, workers, executor, watch, pooled=pooled)
            check_there(job.directory)
            finished = set(finished_runs(job.directory))
            left = [run for run in todo if run not in finished]
            watch([run for run in todo if run in finished], left)
        if len(left) == len(todo):
            time.sleep(1.0)
        todo = left


def _attempt(
    job: Job,
    packs: Sequence[tuple[int, ...]],
    workers: int,
    executor: Executor | None,
    watch: Watch,
    *,
    pooled: bool,
) -> tuple[Job, int]:
    """Train these packs as far as memory goes; return the job and the number of workers to go on with."""
    try:
        if executor is not None:
            _hand_out(executor, job, packs, _width(executor), watch)
        elif pooled:
            _in_pool(job, packs, workers, watch)
        else:
            _in_process(job, packs, watch)
    except BrokenExecutor as error:
        raise ByroteError(
            f"The executor's workers died ({type(error).__name__}), probably for lack of memory. Run again with a new executor: finished runs are kept in {job.directory}."
        ) from error
    except (OutOfMemory, WorkerDied) as error:
        return _back_off(job, workers, executor, error)
    return job, workers


def cut(runs: Sequence[int], blocks: Sequence[int], pack: int) -> list[tuple[int, ...]]:
    """Return the runs in packs: each block of the plan in equal parts of at most `pack`, whatever is missing of it.

    Which runs are trained together depends on the plan and the pack size only, never on the number of workers.
    """
    home: dict[int, tuple[int, int]] = {}
    start = 0
    for number, size in enumerate(blocks):
        parts = -(-size // pack)
        for offset in range(size):
            home[start + offset] = (number, offset * parts // size)
        start += size
    packs: dict[tuple[int, int], list[int]] = {}
    for run in runs:
        packs.setdefault(home[run], []).append(run)
    return [tuple(together) for together in packs.values()]


def _back_off(job: Job, workers: int, executor: Executor | None, error: ByroteError) -> tuple[Job, int]:
    """Return a job or a number of workers that needs less memory, and say so; raise the error when there is none."""
    pack, fewer = job.engine.pack, executor is None and workers > 1
    if pack > 1 and (isinstance(error, OutOfMemory) or not fewer):
        logger.warning("Memory ran out. Going on with packs of %d models, not %d.", pack // 2, pack)
        return replace(job, engine=replace(job.engine, pack=pack // 2)), workers
    if fewer:
        logger.warning("Memory ran out. Going on with %d worker(s), not %d.", workers // 2, workers)
        return job, workers // 2
    raise error


def _in_process(job: Job, packs: Sequence[tuple[int, ...]], watch: Watch) -> None:
    from byrote.training.hardware import one_thread

    with one_thread():
        for pack in packs:
            watch(job.train(pack, lambda: watch([], pack)), [])  # noqa: B023 - called before the next pack


def _in_pool(job: Job, packs: Sequence[tuple[int, ...]], workers: int, watch: Watch) -> None:
    import loky

    try:
        with worker_pool(workers, fork=not isinstance(job.learner, Fit)) as pool:
            _hand_out(pool, job, packs, workers, watch)
    except loky.process_executor.TerminatedWorkerError:
        raise WorkerDied(
            f"A worker process died, probably for lack of memory, with {workers} at work. Free memory, or use a smaller model; finished runs are kept in {job.directory}."
        ) from None


def _hand_out(executor: Executor, job: Job, packs: Sequence[tuple[int, ...]], width: int, watch: Watch) -> None:
    there = job.directory.absolute() if isinstance(job.directory, Path) else job.directory  # workers may be elsewhere
    payload = cloudpickle.dumps(replace(job, directory=there))
    token = f"{job.key}/{os.getpid()}/{time.monotonic_ns()}"
    waiting = iter(packs)
    pending: dict[Future[tuple[int, ...]], tuple[int, ...]] = {}
    try:
        while True:
            while len(pending) < QUEUED * width and (pack := next(waiting, None)) is not None:
                pending[executor.submit(train_in_worker, payload, token, pack)] = pack
            if not pending:
                return
            done, _ = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            finished: list[int] = []
            for future in done:
                del pending[future]
                finished += future.result()
            watch(finished, [run for pack in pending.values() for run in pack])
    finally:
        for future in pending:
            future.cancel()


_jobs: dict[str, Job] = {}
_training = threading.Lock()


def train_in_worker(payload: bytes, token: str, pack: tuple[int, ...]) -> tuple[int, ...]:
    """Train a pack in whatever process or thread an executor has; the payload is opened once per process.

    torch's random state belongs to the process, so threads of one process take turns.
    """
    with _training:
        if token not in _jobs:
            prepare_process()
            _jobs.clear()
            job: Job = cloudpickle.loads(payload)  # written by the process that submits, over its own channel
            if not exists(job.directory / "record.json"):
                raise ByroteError(
                    f"A worker on {socket.gethostname()} does not see {job.directory}. Give a directory that all machines share, or a URL such as s3://bucket/audits/fashion."
                )
            if job.engine.device == "cuda":
                _settle()
            _jobs[token] = job
        from byrote.training.hardware import one_thread

        with one_thread():
            return _jobs[token].train(pack)


def _settle() -> None:
    """Let "cuda" mean one GPU of its own in this worker, when the machine has several."""
    import torch

    count = torch.cuda.device_count()
    if count > 1:
        torch.cuda.set_device(take_one(count, Path(tempfile.gettempdir()) / f"byrote-gpus-{os.getppid()}"))


_taken: list[FileLock] = []


def take_one(count: int, folder: Path) -> int:
    """Return a number below `count` that no other living process has taken in this folder; any, when all are taken."""
    if not _taken:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(count):
            lock = FileLock(folder / f"{number}.lock")
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=0)
                _taken.append(lock)
                return number
        return os.getpid() % count
    return int(Path(_taken[0].lock_file).stem)


def _width(executor: Any) -> int:
    """Return how many packs this executor works on at once, as far as it says."""
    width = getattr(executor, "parallelism", None) or getattr(executor, "_max_workers", None)
    return int(width) if width else cores()
