"""Collecting is resuming: nothing is trained twice, nothing is lost, and the bits do not depend on how it went."""

import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from torch import nn

import byrote
from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.task.canaries import Canaries
from byrote.task.designs import KFold
from byrote.training import hardware
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.manifest import model_digest
from byrote.training.progress import Progress
from small import small_task


@pytest.fixture(scope="module", autouse=True)
def _same_products() -> Iterator[None]:
    """Two directories are compared to the bit, so neither may settle on another way to multiply by a stopwatch.

    It is in place for the whole module, also when `reference` is made.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hardware, "fastest_matmul", lambda device: "highest")
        yield


COLLECT = """
import sys
sys.path.insert(0, {tests!r})
from small import small_task
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training import hardware
from byrote.training.compute import Compute
hardware.fastest_matmul = lambda device: "highest"
collect(small_task(epochs={epochs}), {directory!r}, runs={runs}, canaries=Canaries.of_each(2), compute=Compute(workers={workers}))
"""


def start(directory: Path, *, epochs: int = 3, runs: int = 6, workers: int = 2) -> subprocess.Popen[bytes]:
    tests = str(Path(__file__).parent.parent)
    code = COLLECT.format(tests=tests, directory=str(directory), epochs=epochs, runs=runs, workers=workers)
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, start_new_session=True)


def finish(directory: Path, *, epochs: int) -> None:
    """Collect in this process what `start` does in processes of its own: these need seconds for their imports."""
    collect(small_task(epochs=epochs), directory, runs=6, canaries=Canaries.of_each(2), compute=Compute(workers=1))


def run_bytes(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / "runs").glob("*.parquet"))}


def logged(directory: Path) -> list[int]:
    return [json.loads(line)["run"] for line in (directory / "log.jsonl").read_text().splitlines()]


def finished(directory: Path) -> int:
    return len(list((directory / "runs").glob("*.parquet")))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve runs, collected without interruption by one process."""
    directory = tmp_path_factory.mktemp("reference") / "record"
    collect(small_task(), directory, runs=12, canaries=Canaries.of_each(2), compute=Compute(workers=1))
    return directory


@pytest.mark.cluster
def test_same_bits_whatever_the_number_of_workers(reference: Path, tmp_path: Path) -> None:
    collect(small_task(), tmp_path, runs=12, canaries=Canaries.of_each(2), compute=Compute(workers=2))
    assert run_bytes(tmp_path) == run_bytes(reference)
    assert (tmp_path / "examples.parquet").read_bytes() == (reference / "examples.parquet").read_bytes()


def test_same_bits_whatever_the_callers_random_state_and_threads(reference: Path, tmp_path: Path) -> None:
    import torch

    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 - the point is that nobody looks at it
    before = torch.get_rng_state()
    collect(small_task(), tmp_path, runs=12, canaries=Canaries.of_each(2), compute=Compute(workers=1))
    assert run_bytes(tmp_path) == run_bytes(reference)
    assert torch.equal(before, torch.get_rng_state())


def test_another_seed_gives_other_runs(reference: Path, tmp_path: Path) -> None:
    collect(small_task(), tmp_path, runs=12, canaries=Canaries.of_each(2), compute=Compute(workers=1), seed=1)
    assert not set(run_bytes(tmp_path).values()) & set(run_bytes(reference).values())


@pytest.mark.cluster
def test_kill_9_in_the_middle_then_again_equals_uninterrupted(tmp_path: Path) -> None:
    epochs = 40
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    finish(straight, epochs=epochs)
    first = start(killed, epochs=epochs)
    while finished(killed) < 2:
        assert first.poll() is None, "it ended before it could be killed: use more epochs"
        time.sleep(0.005)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    kept = run_bytes(killed)
    assert 2 <= len(kept) < 6, "it must be killed in the middle"
    stamps = {name: (killed / "runs" / name).stat().st_mtime_ns for name in kept}
    finish(killed, epochs=epochs)
    assert run_bytes(killed) == run_bytes(straight)
    assert {name: (killed / "runs" / name).stat().st_mtime_ns for name in kept} == stamps
    trained = logged(killed)
    assert len(trained) == len(set(trained)), "a run was trained twice"
    assert not (killed / "working").exists()


@pytest.mark.cluster
def test_kill_of_the_parent_alone_leaves_a_directory_that_can_be_finished(tmp_path: Path) -> None:
    first = start(tmp_path, epochs=40)
    while finished(tmp_path) < 1:
        assert first.poll() is None
        time.sleep(0.005)
    workers = [child.pid for child in psutil.Process(first.pid).children(recursive=True)]
    assert len(workers) >= 2
    first.kill()
    first.communicate()
    gone, _ = psutil.wait_procs([psutil.Process(pid) for pid in workers if psutil.pid_exists(pid)], timeout=30)
    assert not [pid for pid in workers if psutil.pid_exists(pid)], (
        f"{len(gone)} of {len(workers)} workers ended by themselves"
    )
    finish(tmp_path, epochs=40)
    assert finished(tmp_path) == 6
    assert len(byrote.Record(tmp_path).runs) == 6


@pytest.mark.cluster
def test_two_processes_share_the_work_and_train_nothing_twice(tmp_path: Path) -> None:
    together, alone = tmp_path / "together", tmp_path / "alone"
    pair = [start(together, epochs=30, workers=1) for _ in range(2)]
    assert [p.wait() for p in pair] == [0, 0]
    finish(alone, epochs=30)
    assert run_bytes(together) == run_bytes(alone)
    assert sorted(logged(together)) == list(range(6))


def test_finished_runs_are_kept_and_the_design_is_extended_in_balance(tmp_path: Path) -> None:
    collect(small_task(), tmp_path, runs=5, compute=Compute(workers=1))
    before = run_bytes(tmp_path)
    record = collect(small_task(), tmp_path, runs=10, compute=Compute(workers=1))
    after = run_bytes(tmp_path)
    assert {name: after[name] for name in before} == before
    assert record.manifest["blocks"] == [5, 5]
    counts = sum(record.member(run).astype(int) for run in record.runs)[record.population.where("train")]
    assert set(counts) == {7}
    assert logged(tmp_path) == list(range(10))


def test_fewer_runs_or_none_train_nothing(reference: Path) -> None:
    before = logged(reference)
    for runs in (0, 3, 12):
        assert len(collect(small_task(), reference, runs=runs, canaries=Canaries.of_each(2)).runs) == 12
    assert logged(reference) == before


def test_a_deleted_run_is_trained_again_to_the_same_bits(reference: Path) -> None:
    before = run_bytes(reference)
    (reference / "runs" / "0003.parquet").unlink()
    collect(small_task(), reference, runs=12, canaries=Canaries.of_each(2), compute=Compute(workers=1))
    assert run_bytes(reference) == before


@pytest.mark.cluster
def test_progress_is_told_in_steps_that_only_grow_and_end_at_the_total(tmp_path: Path) -> None:
    for workers in (1, 2):
        told: list[Progress] = []
        collect(small_task(), tmp_path / str(workers), runs=4, compute=Compute(workers=workers), progress=told.append)
        assert replace(told[0], certainty=None, examples=None) == Progress(0, 12, 0, 4, ())
        assert replace(told[-1], certainty=None, examples=None) == Progress(12, 12, 4, 4, ())
        steps = [now.steps for now in told]
        assert steps == sorted(steps)
        assert workers == 2 or set(steps) == set(range(13))
        assert sorted(run for now in told for run in now.finished) == [0, 1, 2, 3], "each run is told of once"
    told.clear()
    collect(small_task(), tmp_path / "1", runs=6, compute=Compute(workers=1), progress=told.append)
    assert (told[0].in_all, told[-1].in_all) == ((4, 6), (6, 6)), "those that were there are counted"


class Swapped(nn.Module):
    """The same weights and the same text as its twin below, another forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 4)

    def forward(self, x):
        return self.layer(x.flatten(1))


def test_another_task_is_refused_with_what_differs(tmp_path: Path) -> None:
    task = small_task()
    collect(task, tmp_path, runs=1, compute=Compute(workers=1))
    changes = {
        "recipe.epochs is 3 there and 4 here": lambda: collect(small_task(epochs=4), tmp_path, runs=1),
        "seed is 0 there and 1 here": lambda: collect(task, tmp_path, runs=1, seed=1),
        "design is 'subsets": lambda: collect(task, tmp_path, runs=5, design=KFold(5)),
        "canaries is 'canaries": lambda: collect(task, tmp_path, runs=1, canaries=Canaries.of_each(1)),
        "the data differ (rows, labels or inputs": lambda: collect(small_task(seed=5), tmp_path, runs=1),
        "the model differs": lambda: collect(replace(task, model=Swapped), tmp_path, runs=1),
    }
    for told, attempt in changes.items():
        with pytest.raises(WrongRecord, match="holds runs of another audit") as error:
            attempt()
        assert told in str(error.value)
    assert finished(tmp_path) == 1


def test_only_the_forward_pass_differs_and_that_is_noticed(tmp_path: Path) -> None:
    collect(replace(small_task(), model=Swapped), tmp_path, runs=1, compute=Compute(workers=1))
    first = Swapped.forward

    def forward(self, x):
        return self.layer(x.flatten(1)) * 2

    Swapped.forward = forward
    try:
        with pytest.raises(WrongRecord, match="the model differs"):
            collect(replace(small_task(), model=Swapped), tmp_path, runs=1, compute=Compute(workers=1))
    finally:
        Swapped.forward = first


@pytest.mark.cluster
def test_tasks_that_cannot_be_pickled_by_name_train_in_workers(tmp_path: Path) -> None:
    width = 8
    task = replace(small_task(), model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.Linear(width, 4)))
    assert len(collect(task, tmp_path, runs=2, compute=Compute(workers=2)).runs) == 2


@pytest.mark.cluster
def test_a_failing_run_keeps_the_finished_ones_and_says_why(tmp_path: Path) -> None:
    task = small_task()
    wild = replace(task, recipe=replace(task.recipe, learning_rate=1e30))
    for workers in (1, 2):
        with pytest.raises(ByroteError, match=r"diverged in step \d.*Lower the learning rate"):
            collect(wild, tmp_path / str(workers), runs=2, compute=Compute(workers=workers))
        assert finished(tmp_path / str(workers)) == 0


@pytest.mark.cluster
def test_a_worker_that_dies_is_told_in_a_sentence(tmp_path: Path) -> None:
    parent = os.getpid()

    class Deadly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(64, 4)

        def forward(self, x):
            if os.getpid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)
            return self.layer(x.flatten(1))

    with pytest.raises(ByroteError, match=r"worker process died.*with 1 at work. Free memory"):
        collect(replace(small_task(), model=Deadly), tmp_path, runs=2, compute=Compute(workers=2))


def test_no_place_to_write_is_told_in_a_sentence() -> None:
    with pytest.raises(ByroteError, match="Cannot write to /proc/byrote"):
        collect(small_task(), "/proc/byrote", runs=1)


def test_a_full_disk_is_told_and_loses_no_finished_run(tmp_path: Path) -> None:
    collect(small_task(), tmp_path, runs=2, compute=Compute(workers=1))
    before = run_bytes(tmp_path)
    small = min(len(b) for b in before.values()) // 2
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (small, hard))
    try:
        with pytest.raises(ByroteError, match=r"Cannot write .*finished is kept"):
            collect(small_task(), tmp_path, runs=4, compute=Compute(workers=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run_bytes(tmp_path) == before
    assert len(collect(small_task(), tmp_path, runs=4, compute=Compute(workers=1)).runs) == 4


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="-1 runs"):
        collect(small_task(), tmp_path, runs=-1)
    with pytest.raises(InvalidData, match="0 workers"):
        collect(small_task(), tmp_path, runs=1, compute=Compute(workers=0))
    with pytest.raises(InvalidData, match="80 examples cannot be cut into 100 folds"):
        collect(small_task(), tmp_path / "k", runs=100, design=KFold(100))


def test_run_files_hold_no_time_and_no_place(reference: Path) -> None:
    settings = byrote.Record(reference).run_settings(0)
    what_bits_depend_on = {"seed", "key", "byrote", "torch", "threads", "device", "precision", "matmul", "pack"}
    assert set(settings) == {"run", "steps", *what_bits_depend_on}
    assert settings["threads"] == 1


def test_a_record_goes_on_with_the_products_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert collect(small_task(), tmp_path, runs=1, compute=Compute(workers=1)).manifest["matmul"] == "highest"
    monkeypatch.setattr(hardware, "fastest_matmul", lambda device: "medium")
    record = collect(small_task(), tmp_path, runs=2, compute=Compute(workers=1))
    assert record.manifest["matmul"] == "highest"
    assert [record.run_settings(run)["matmul"] for run in (0, 1)] == ["highest"] * 2
    assert hardware.settled_matmul("nonsense", "cpu") == "medium"
    monkeypatch.setattr(hardware, "_is_accurate", lambda setting: False)
    assert hardware.settled_matmul("high", "cpu") == "medium"  # another processor: there it would round


def test_a_comment_in_the_model_makes_no_other_audit(tmp_path: Path) -> None:
    """Nor does its layout; a changed number does."""
    code = "from torch import nn\n\nclass Net(nn.Linear):\n    def forward(self, x):\n        return super().forward(x.flatten(1)){}\n"
    digests = []
    for number, change in enumerate(("", "  # the logits", "   \n\n", " * 1.5")):
        path = tmp_path / f"net{number}.py"
        path.write_text(code.format(change))
        spec = importlib.util.spec_from_file_location("net", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        torch.manual_seed(0)
        digests.append(model_digest(module.Net(64, 4)))
    assert digests[0] == digests[1] == digests[2] != digests[3]
