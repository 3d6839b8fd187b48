"""A collection on a cluster that loses a node keeps what is finished, trains the rest, and is the serial one byte for byte."""

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest
from torch import Tensor, nn

from byrote.task.canaries import Canaries
from byrote.task.task import Task
from byrote.training.collect import collect
from integrations.nodes import SECONDS, until
from small import small_task

ray = pytest.importorskip("ray")

from byrote.integrations.ray import RayExecutor  # noqa: E402
from byrote.training.compute import Compute  # noqa: E402

pytestmark = pytest.mark.cluster

RUNS = 9


class Held(nn.Module):
    """A model that tells where it is made, and that waits in training while there is a file named `hold`."""

    def __init__(self, signals: Path) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 4)
        self.signals = signals
        self.tell("made")

    def tell(self, what: str) -> None:
        if ray.is_initialized() and ray.get_runtime_context().worker.mode == ray.WORKER_MODE:
            (
                self.signals / f"{what}.{ray.get_runtime_context().get_node_id()}.{os.getpid()}.{os.urandom(4).hex()}"
            ).touch()

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training and (self.signals / "hold").exists():
            self.tell("held")
            while (self.signals / "hold").exists():
                time.sleep(0.02)
        return self.layer(inputs.flatten(1))


@pytest.fixture(scope="module", autouse=True)
def by_value() -> Iterator[None]:
    """Send the model as it is: workers cannot import this module."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_a_node_that_dies_in_the_middle_of_a_collection(joined: Any, tmp_path: Path) -> None:
    signals, alone, shared = (tmp_path / name for name in ("signals", "alone", "shared"))
    signals.mkdir()
    task = replace(small_task(), model=partial(Held, signals))
    settings: dict[str, Any] = {"runs": RUNS, "canaries": Canaries.of_each(2)}
    collect(task, alone, compute=Compute(workers=1), **settings)

    with RayExecutor() as executor, ThreadPoolExecutor(1) as thread:
        collecting = thread.submit(collect, task, shared, compute=Compute(executor=executor), **settings)
        try:
            until(lambda: collecting.done() or len(finished(shared)) >= 2)
            (signals / "hold").touch()
            victim = next(iter(joined.worker_nodes))
            until(lambda: collecting.done() or nodes(signals, "held").count(victim.node_id))
            kept = finished(shared)
            assert 2 <= len(kept) < RUNS, "it must be in the middle"
            joined.remove_node(victim, allow_graceful=False)
            until(lambda: not any(map(psutil.pid_exists, processes(signals, victim.node_id))))
        finally:
            (signals / "hold").unlink(missing_ok=True)
        record = collecting.result(SECONDS)

    assert record.runs == tuple(range(RUNS))
    assert {path.name: path.read_bytes() for path in finished(shared)} == {
        path.name: path.read_bytes() for path in finished(alone)
    }
    assert (shared / "examples.parquet").read_bytes() == (alone / "examples.parquet").read_bytes()
    assert kept.items() <= finished(shared).items(), "no finished run was written again"
    lost = nodes(signals, "held").count(victim.node_id)
    assert len(nodes(signals, "made")) == RUNS + lost, "the lost run was trained twice, all others once"
    assert lost == 1
    logged = [json.loads(line)["run"] for line in (shared / "log.jsonl").read_text().splitlines()]
    assert sorted(logged) == list(range(RUNS))


def finished(directory: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (directory / "runs").glob("*.parquet")}


def processes(signals: Path, node: str) -> list[int]:
    return [int(path.name.split(".")[2]) for path in signals.glob(f"*.{node}.*")]


def nodes(signals: Path, what: str) -> list[str]:
    return [path.name.split(".")[1] for path in signals.glob(f"{what}.*")]


def test_a_directory_is_the_same_one_for_workers_that_run_elsewhere(
    joined: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small_task()
    task = Task(partial(Held, tmp_path), task.train, task.test, task.recipe, task.classes)
    monkeypatch.chdir(tmp_path)
    with RayExecutor() as executor:
        assert executor.submit(os.getcwd).result(SECONDS) != str(tmp_path)
        record = collect(task, "here", runs=2, compute=Compute(executor=executor))
    assert record.runs == (0, 1)
    assert len(finished(tmp_path / "here")) == 2
    assert nodes(tmp_path, "made"), "they were trained in the cluster"
