"""Packs are cut from the plan alone, and training that runs out of memory goes on with less."""

import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import byrote
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.dispatch import cut
from small import small_task

blocks_and_packs = given(blocks=st.lists(st.integers(1, 40), min_size=1, max_size=4), pack=st.integers(1, 16))


@blocks_and_packs
def test_packs_hold_every_run_once_and_stay_inside_a_block(blocks: list[int], pack: int) -> None:
    packs = cut(range(sum(blocks)), blocks, pack)
    assert sorted(run for together in packs for run in together) == list(range(sum(blocks)))
    ends = [sum(blocks[: i + 1]) for i in range(len(blocks))]
    home = [next(i for i, end in enumerate(ends) if run < end) for run in range(sum(blocks))]
    assert all(len({home[run] for run in together}) == 1 for together in packs)
    assert all(len(together) <= pack for together in packs)


@blocks_and_packs
def test_packs_are_as_few_and_as_equal_as_can_be(blocks: list[int], pack: int) -> None:
    packs = cut(range(sum(blocks)), blocks, pack)
    assert len(packs) == sum(-(-size // pack) for size in blocks)
    assert len(packs) > 1 or blocks == [len(packs[0])]
    for start, size in zip([sum(blocks[:i]) for i in range(len(blocks))], blocks, strict=True):
        sizes = [len(together) for together in packs if start <= together[0] < start + size]
        assert max(sizes) - min(sizes) <= 1


@blocks_and_packs
def test_who_is_missing_does_not_change_who_is_packed_with_whom(blocks: list[int], pack: int) -> None:
    whole = cut(range(sum(blocks)), blocks, pack)
    missing = [run for run in range(sum(blocks)) if run % 3]
    kept = [tuple(run for run in together if run % 3) for together in whole]
    assert cut(missing, blocks, pack) == [together for together in kept if together]


@blocks_and_packs
def test_a_further_block_leaves_the_earlier_packs_alone(blocks: list[int], pack: int) -> None:
    total = sum(blocks)
    assert cut(range(total), [*blocks, 7], pack) == cut(range(total), blocks, pack)


SHORT_OF_MEMORY = """
import logging, resource, sys
sys.path.insert(0, {tests!r})
from dataclasses import replace
from torch import nn
import byrote.training.collect
from byrote.training.engine import Engine
from byrote.training.compute import Compute
from small import small_task

def wide():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4000), nn.ReLU(), nn.Linear(4000, 4000), nn.ReLU(), nn.Linear(4000, 4))

logging.basicConfig(format="%(message)s")
task = small_task(epochs=1)
byrote.training.collect.collect(task, {directory!r} + "/warm", runs=2, compute=Compute(workers=1))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + {spare}, resource.RLIM_INFINITY))
byrote.training.collect.choose = lambda *a, **k: Engine(pack=8)
byrote.training.collect.collect(replace(task, model=wide), {directory!r} + "/tight", runs=8, compute=Compute(workers=1))
"""


# A model has 64 MB of weights, and as much of gradients and of momenta.


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_packs_that_do_not_fit_are_halved_and_that_is_said(tmp_path: Path) -> None:
    tests = str(Path(__file__).parent.parent)
    code = SHORT_OF_MEMORY.format(tests=tests, directory=str(tmp_path), spare=1000 << 20)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Memory ran out. Going on with packs of 4 models, not 8." in done.stderr
    record = byrote.Record(tmp_path / "tight")
    assert len(record.runs) == 8
    assert max(len(record.run_settings(run)["pack"]) for run in record.runs) <= 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_when_not_even_one_model_fits_it_is_a_sentence(tmp_path: Path) -> None:
    tests = str(Path(__file__).parent.parent)
    code = SHORT_OF_MEMORY.format(tests=tests, directory=str(tmp_path), spare=120 << 20)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (
        "byrote.errors.OutOfMemory: Training one model at once ran out of memory on cpu. Use a smaller model"
        in done.stderr
    )
    assert not list((tmp_path / "tight" / "runs").glob("*"))
    assert not list((tmp_path / "tight" / "working").glob("*.parquet"))


@pytest.mark.cluster
def test_a_worker_that_dies_once_costs_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    killed, parent = tmp_path / "killed", os.getpid()

    class DiesOnce(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(64, 4)

        def forward(self, x):
            if os.getpid() != parent and not killed.exists():
                killed.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return self.layer(x.flatten(1))

    with caplog.at_level(logging.WARNING, "byrote"):
        record = collect(replace(small_task(), model=DiesOnce), tmp_path / "record", runs=4, compute=Compute(workers=2))
    assert killed.exists()
    assert len(record.runs) == 4
    assert "Memory ran out. Going on with 1 worker(s), not 2." in caplog.text
