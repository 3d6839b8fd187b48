"""Workers: processes of one thread each that train. They may be started before they are needed.

On Linux a worker is a fork of this process where that is safe, and has what is imported here; elsewhere it imports all anew.
"""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Generator
from concurrent.futures import Executor
from typing import Any

_spare: list[Any] = []
"""Pools that were started early and that nobody has taken yet. Whoever takes one ends it."""


@contextlib.contextmanager
def worker_pool(workers: int, *, fork: bool = False) -> Generator[Executor]:
    """Give so many workers, and end them at the end, or with this process. Those that `started_early` made come first.

    `fork` allows forks of this process, for work in torch: the threads of other libraries do not survive a fork.
    """
    pool = _taken(workers, fork) or _made(workers, fork)
    try:
        yield pool
    finally:
        _end(pool)


@contextlib.contextmanager
def started_early(workers: int) -> Generator[None]:
    """Start the workers that a `worker_pool` inside is going to ask for; they have what the first epoch needs, or import it now.

    Call it when nothing is at work yet: then forks are safe. A pool that nobody took is ended at the end. With one worker nothing
    is started.
    """
    pool = _early(workers) if workers > 1 else None
    if pool is not None:
        _spare.append(pool)
    try:
        yield
    finally:
        if pool in _spare:
            _spare.remove(pool)
            _end(pool)


def _early(workers: int) -> Any:
    if _may_fork():
        _import()
        return _made(workers, fork=True)
    pool = _made(workers, fork=False)
    for _ in range(workers):
        pool.submit(_import)  # all are started with the first
    return pool


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _taken(workers: int, fork: bool) -> Any:
    """Return the newest pool that waits, if it is alive and of the wanted size and kind; end those that are not."""
    while _spare:
        pool = _spare.pop()
        suits = fork or pool._context.get_start_method() != "fork"
        if suits and pool._max_workers == workers and not pool._flags.broken:
            return pool
        _end(pool)
    return None


def _made(workers: int, fork: bool) -> Any:
    import loky

    _start_tracker()
    forks = fork and _may_fork()
    how = {"context": multiprocessing.get_context("fork")} if forks else {"env": {"OMP_NUM_THREADS": "1"}}
    pool = loky.ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(os.getpid(),), **how)
    if forks:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads of libraries, which wait for work
            pool.submit(int)  # all workers are started now, while it is safe
    return pool


def _may_fork() -> bool:
    """Return whether a fork of this process is safe: on Linux, while no other thread of Python runs, and without CUDA."""
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and torch.cuda.is_initialized()
    return sys.platform == "linux" and threading.active_count() == 1 and not on_gpu


def _end(pool: Any) -> None:
    pool.shutdown(wait=False, kill_workers=True)


def _import() -> None:
    """Import what the first epoch needs."""
    importlib.import_module("byrote.training.loop")


def _start_tracker() -> None:
    """Start loky's process that cleans up, which by itself ignores all signals to the whole group but SIGHUP."""
    from loky.backend import resource_tracker

    if not hasattr(signal, "SIGHUP"):
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(parent: int) -> None:
    """Leave it to the parent what a signal to the whole group means, and end with it."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """End this worker when the process that started it is gone, were it by kill -9: no one would ever end it.

    It may be gone already, so its number is given: a worker that asks for its parent may get the number of another.
    """
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
