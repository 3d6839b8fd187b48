"""Collecting until memorization is known well enough."""

from pathlib import Path

import numpy as np
import pytest

import byrote
from byrote.errors import InvalidData
from byrote.scores.memorization import memorization
from byrote.summaries.forecast import forecast
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.progress import Progress
from small import small_task


def standard_error(record: byrote.Record) -> float:
    values = byrote.evaluate(memorization, record)
    stderr = values.stderr[record.population.split == "train"]
    return float(sorted(stderr)[len(stderr) // 2])


def test_it_stops_at_the_first_block_that_is_good_enough(tmp_path: Path) -> None:
    told: list[Progress] = []
    record = collect(small_task(), tmp_path, until=0.13, compute=Compute(workers=1), progress=told.append)
    assert standard_error(record) <= 0.13
    blocks = record.manifest["blocks"]
    assert len(blocks) > 1, "one block was enough: ask for more"
    assert all(size % 20 == 0 for size in blocks)
    before = [now.forecast for now in told if now.forecast and now.forecast.runs <= sum(blocks[:-1])]
    assert min(each.standard_error for each in before) > 0.13, "the last block was not needed"


def test_asked_again_it_trains_nothing(tmp_path: Path) -> None:
    first = collect(small_task(), tmp_path, until=0.2, compute=Compute(workers=1))
    stamps = {run: (tmp_path / "runs" / f"{run:04d}.parquet").stat().st_mtime_ns for run in first.runs}
    told: list[Progress] = []
    second = collect(small_task(), tmp_path, until=0.2, compute=Compute(workers=1), progress=told.append)
    assert second.runs == first.runs
    assert not told
    assert stamps == {run: (tmp_path / "runs" / f"{run:04d}.parquet").stat().st_mtime_ns for run in second.runs}


def test_runs_is_the_most_it_trains(tmp_path: Path) -> None:
    assert len(collect(small_task(), tmp_path, until=0.001, runs=30, compute=Compute(workers=1)).runs) == 30


def test_progress_tells_what_the_finished_runs_say(tmp_path: Path) -> None:
    told: list[Progress] = []
    record = collect(small_task(), tmp_path, runs=20, compute=Compute(workers=1), progress=told.append)
    last = told[-1].forecast
    assert told[0].forecast is None
    assert last is not None
    assert last.runs == 20
    assert last.standard_error == pytest.approx(standard_error(record), abs=0.01)
    real = record.population.split == "train"
    correct = np.stack([record.at_step(run, "correct", record.last_step) for run in record.runs]).astype(np.bool_)
    whole = forecast(correct[:, real], np.stack([record.member(run)[real] for run in record.runs]))
    assert whole is not None
    assert (last.standard_error, last.reliability.value) == (whole.standard_error, whole.reliability.value)


def test_a_standard_error_that_cannot_be_is_refused(tmp_path: Path) -> None:
    for value in (0.0, -1.0, 1.0, float("nan")):
        with pytest.raises(InvalidData, match="cannot be reached"):
            collect(small_task(), tmp_path, until=value)
    assert not list(tmp_path.iterdir())
