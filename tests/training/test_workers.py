"""Workers that are started early train, once, and do not outlive who started them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from byrote.training import workers
from byrote.training.workers import started_early, worker_pool


def pids(pool: object) -> set[int]:
    return set(pool._processes)  # type: ignore[attr-defined]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def ended(found: set[int]) -> bool:
    deadline = time.monotonic() + 30
    while any(map(is_alive, found)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(is_alive, found))


def test_workers_that_were_started_early_are_those_that_work() -> None:
    with started_early(2):
        (early,) = workers._spare
        with worker_pool(2, fork=True) as pool:
            assert pool is early
            worked = {pool.submit(os.getpid).result()}
            assert worked <= pids(pool)
            with worker_pool(2, fork=True) as other:  # an early pool is taken once
                assert other is not early
        assert not workers._spare
    assert ended(worked)


def test_workers_that_nobody_asked_for_end_also_after_an_error() -> None:
    found: set[int] = set()

    def refuse() -> None:
        with started_early(2):
            found.update(pids(workers._spare[0]))
            raise KeyError("a column that is not there")

    with pytest.raises(KeyError):
        refuse()
    assert found
    assert not workers._spare
    assert ended(found)


def test_a_pool_of_another_size_is_ended_and_a_new_one_made() -> None:
    with started_early(2):
        found = pids(workers._spare[0])
        with worker_pool(3) as pool:
            assert pool.submit(os.getpid).result() not in found
        assert ended(found)


def test_one_worker_is_not_started_early() -> None:
    with started_early(1):
        assert not workers._spare


FORKS = """
import os, sys, threading, time
import colorsys  # a module that workers have only when they are forks
from byrote.training import workers

def has_it():
    return "colorsys" in sys.modules, "torch" in sys.modules

def kind(pool):
    return pool._context.get_start_method()

def wait():  # the threads of a pool outlive it for a moment
    while threading.active_count() > 1:
        time.sleep(0.05)

with workers.worker_pool(2, fork=True) as pool:
    assert kind(pool) == "fork", kind(pool)
    assert pool.submit(has_it).result() == (True, False)
with workers.worker_pool(2) as pool:
    assert kind(pool) == "loky"
wait()
with workers.started_early(2):
    (early,) = workers._spare
    with workers.worker_pool(2, fork=True) as pool:
        assert pool is early
        assert pool.submit(has_it).result() == (True, True)
wait()
with workers.started_early(2), workers.worker_pool(2) as pool:  # for work whose threads do not survive a fork
    assert kind(pool) == "loky"
    assert not workers._spare
wait()
end = threading.Event()
thread = threading.Thread(target=end.wait)
thread.start()
with workers.worker_pool(2, fork=True) as pool:
    assert kind(pool) == "loky"
end.set()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forks on Linux only")
def test_forks_have_what_is_imported_here_and_are_made_where_that_is_safe() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", FORKS], check=True, timeout=120)
