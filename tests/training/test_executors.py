"""Any executor collects the same bytes as one process does, run after run."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import loky
import pytest
from torch import nn

from byrote.errors import ByroteError
from byrote.task.canaries import Canaries
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task

pytestmark = pytest.mark.cluster

RUNS = 5


class AtOnce(Executor):
    """Runs each call when it is submitted: all that an executor has to do."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


EXECUTORS: dict[str, Callable[[int], Executor]] = {
    "processes": lambda width: ProcessPoolExecutor(width, mp_context=multiprocessing.get_context("spawn")),
    "threads": ThreadPoolExecutor,
    "loky": lambda width: loky.ProcessPoolExecutor(width),
    "at once": lambda width: AtOnce(),
}


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / "runs").glob("*.parquet"))}


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The runs of one process without an executor."""
    directory = tmp_path_factory.mktemp("serial")
    collect(small_task(), directory, runs=RUNS, canaries=Canaries.of_each(2), compute=Compute(workers=1))
    return bytes_of(directory)


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """One for all tests, as a user has one for several collections: each new process needs seconds for its imports."""
    with EXECUTORS[request.param](2) as made:
        yield made


def test_the_bytes_are_those_of_one_process(executor: Executor, serial: dict[str, bytes], tmp_path: Path) -> None:
    told: list[int] = []
    with contextlib.chdir(tmp_path):
        collect(
            small_task(),
            "here",
            runs=RUNS,
            canaries=Canaries.of_each(2),
            compute=Compute(executor=executor),
            progress=lambda now: told.extend(now.finished),
        )
    assert bytes_of(tmp_path / "here") == serial
    assert sorted(told) == list(range(RUNS)), "each run is told once"
    assert executor.submit(max, 1, 2).result() == 2, "it is not shut down: it belongs to the caller"


def test_it_goes_on_where_another_one_stopped(tmp_path: Path) -> None:
    """Three blocks of a plan, each trained by someone else, are as one process trains them."""
    for name, runs in (("processes", 2), ("at once", 3), ("threads", RUNS)):
        with EXECUTORS[name](1) as made:
            collect(small_task(), tmp_path / "shared", runs=runs, compute=Compute(executor=made))
        collect(small_task(), tmp_path / "alone", runs=runs, compute=Compute(workers=1))
    assert bytes_of(tmp_path / "shared") == bytes_of(tmp_path / "alone")


def test_what_training_raises_is_raised_and_ends_the_collection(executor: Executor, tmp_path: Path) -> None:
    task = small_task()
    wild = Task(task.model, task.train, task.test, Recipe(epochs=3, optimizer="sgd", learning_rate=1e30))
    with pytest.raises(ByroteError, match="Lower the learning rate"):
        collect(wild, tmp_path, runs=RUNS, compute=Compute(executor=executor))
    assert not bytes_of(tmp_path)


class Deadly(nn.Module):
    """Ends its process in training, as a system does that is short of memory."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 4)

    def forward(self, x):
        if self.training and multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.layer(x.flatten(1))


def test_a_pool_that_breaks_is_told_in_a_sentence(tmp_path: Path) -> None:
    task = small_task()
    for name in ("processes", "loky"):
        with (
            EXECUTORS[name](1) as made,
            pytest.raises(ByroteError, match=r"workers died .*Run again with a new executor"),
        ):
            collect(Task(Deadly, task.train, task.test), tmp_path / name, runs=2, compute=Compute(executor=made))


class Elsewhere(AtOnce):
    """Runs calls where the record's directory is not to be seen, as on a machine that does not share it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        (hidden,) = self.there.iterdir()
        hidden.rename(hidden.with_suffix(".hidden"))
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            hidden.with_suffix(".hidden").rename(hidden)

    def __init__(self, there: Path) -> None:
        self.there = there


def test_workers_that_do_not_see_the_directory_say_so_before_they_train(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=r"does not see .*/record\. Give a directory that all machines share"):
        collect(small_task(), tmp_path / "record", runs=2, compute=Compute(executor=Elsewhere(tmp_path)))
    assert not bytes_of(tmp_path / "record")
