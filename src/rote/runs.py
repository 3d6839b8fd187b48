"""Collect runs into a record: directories, claims, resume, progress. A run that is on disk is never trained again."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from rote.canaries import Canaries, flips, plant
from rote.designs import Design, Subsets
from rote.errors import InvalidData, RoteError
from rote.manifest import alone, describe, plan
from rote.recipe import Recipe, Task
from rote.record import (
    Population,
    Record,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from rote.version import __version__
from rote.working import claim, log, scratch, ticked, ticking, tidy

RUN_STREAM = 3
POLL_SECONDS = 0.2

Progress = Callable[[int, int, int, int], None]
"""Called with (steps done, runs done, steps in all, runs in all) of the runs that were missing, while a collection goes on."""


@dataclass(frozen=True, eq=False)
class Job:
    """All that a worker needs to train any run of a collection."""

    directory: Path
    model: Callable[[], Any]
    population: Population
    member: Bool[ndarray, "run example"]
    recipe: Recipe
    seed: int
    key: str
    device: str

    def train(self, run: int, tick: Callable[[], None]) -> bool:
        """Train one run and write it, unless it is finished; return False when another process is at it."""
        import torch

        from rote.train import train

        with claim(self.directory, run) as mine:
            path = run_path(self.directory, run)
            if not mine:
                return False
            if path.exists():
                return True
            start = time.perf_counter()
            seed = run_seed(self.seed, run)
            settings = {
                "run": run,
                "seed": seed,
                "key": self.key,
                "steps": self.recipe.epochs,
                "rote": __version__,
                "torch": torch.__version__,
                "threads": torch.get_num_threads(),
                "device": self.device,
            }
            steps = train(self.model, self.population, self.member[run], self.recipe, seed, self.device)
            write_run(
                path,
                ticking(steps, scratch(self.directory, run, "step"), tick),
                self.member[run],
                self.population.ids,
                settings,
                aside=scratch(self.directory, run, "parquet"),
            )
            log(
                self.directory,
                {
                    "run": run,
                    "seconds": round(time.perf_counter() - start, 3),
                    "worker": os.getpid(),
                    "finished": time.time(),
                },
            )
            return True


def collect(
    task: Task,
    directory: Path | str,
    *,
    runs: int | None = None,
    design: Design | None = None,
    canaries: Canaries | None = None,
    seed: int = 0,
    workers: int | None = None,
    device: str = "cpu",
    source: str = "",
    progress: Progress | None = None,
) -> Record:
    """Train what is missing of `runs` runs (default: what the design needs) and return the record.

    Runs that are already in `directory` are kept and count; `runs=0` trains nothing. More runs than planned extend
    the design, whose balance holds at the end of each extension. One process per core trains, with one thread each,
    so that a run has the same bits whatever `workers` is. Several processes may collect into one directory: they
    share the work. `source` is where the task came from, for the record.

    Raises WrongRecord when the directory holds another task's runs, InvalidData for a task or settings that cannot be
    used.
    """
    from rote.train import check_device, check_model

    directory = Path(directory)
    design, canaries = design or Subsets(), canaries or Canaries()
    check_device(device)
    population = plant(task, canaries, seed)
    network = check_model(task.model, population, len(task.classes))
    manifest = describe(task, network, population, design, canaries, seed, source)
    wanted = design.default_runs(_groups(population)) if runs is None else runs
    if wanted < 0:
        raise InvalidData(f"{wanted} runs cannot be collected. Give 0 or more.")
    with alone(directory):
        blocks = plan(directory, manifest, wanted)
        member = _membership(population, design, blocks, seed)
        if not (directory / "record.json").exists():
            write_population(directory, population)
        write_manifest(directory, {**manifest, "blocks": blocks})
    missing = [run for run in range(min(wanted, len(member))) if not run_path(directory, run).exists()]
    if missing:
        job = Job(directory, task.model, population, member, task.recipe, seed, manifest["key"], device)
        _train_all(job, missing, _workers(workers, device, len(missing)), progress or (lambda *_: None))
    return Record(directory)


def run_seed(seed: int, run: int) -> int:
    """Return the seed of one run, a function of the collection's seed and the run's number only."""
    return int(np.random.SeedSequence([seed, RUN_STREAM, run]).generate_state(1)[0])


def _train_all(job: Job, missing: Sequence[int], workers: int, progress: Progress) -> None:
    """Train runs until all are on disk; those that another process has claimed are waited for, and taken over if it dies."""
    epochs = job.recipe.epochs

    def tell() -> None:
        steps = [epochs if run_path(job.directory, run).exists() else ticked(job.directory, run) for run in missing]
        progress(sum(steps), steps.count(epochs), epochs * len(missing), len(missing))

    todo = list(missing)
    tell()
    while todo:
        before = len(todo)
        if workers == 1:
            _in_process(job, todo, tell)
        else:
            _in_pool(job, todo, workers, tell)
        todo = [run for run in todo if not run_path(job.directory, run).exists()]
        if len(todo) == before:
            time.sleep(1.0)
            tell()
    tidy(job.directory)


def _in_process(job: Job, todo: Sequence[int], tell: Callable[[], None]) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for run in todo:
            job.train(run, tell)
            tell()
    finally:
        torch.set_num_threads(threads)


def _in_pool(job: Job, todo: Sequence[int], workers: int, tell: Callable[[], None]) -> None:
    import loky

    pool = loky.ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(cloudpickle.dumps(job),))
    pending: set[Future[bool]] = {pool.submit(_train_in_worker, run) for run in todo}
    try:
        while pending:
            done, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            tell()
        pool.shutdown()
    except loky.process_executor.TerminatedWorkerError:
        raise RoteError(
            f"A worker process died, probably for lack of memory; finished runs are kept in {job.directory}. Run again with fewer --workers."
        ) from None
    finally:
        pool.shutdown(wait=False, kill_workers=True)


_job: Job | None = None


def _start_worker(payload: bytes) -> None:
    global _job  # a worker process serves one collection
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    torch.set_num_threads(1)
    _job = cloudpickle.loads(payload)  # written by our own parent process, over its pipe


def _end_with_parent(parent: int) -> None:
    """End this worker when the process that started it is gone, were it by kill -9: no one would ever end it."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _train_in_worker(run: int) -> bool:
    assert _job is not None
    return _job.train(run, lambda: None)


def _workers(asked: int | None, device: str, missing: int) -> int:
    if asked is not None and asked < 1:
        raise InvalidData(f"{asked} workers cannot train. Give 1 or more.")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return min(asked or (1 if device.startswith("cuda") else available), missing)


def _groups(population: Population) -> Any:
    return population.groups[population.split == "train"]


def _membership(population: Population, design: Design, blocks: list[int], seed: int) -> Bool[ndarray, "run example"]:
    member = np.zeros((sum(blocks), len(population)), np.bool_)
    member[:, population.split == "train"] = design.membership(blocks, _groups(population), seed)
    member[:, population.split == "canary"] = flips(population, blocks, seed)
    return member
