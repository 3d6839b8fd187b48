"""Collecting until memorization is known well enough: what is asked for, where it stops, and what is said meanwhile."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byrote.errors import ByroteError, InvalidData
from byrote.evidence.certainty import Following
from byrote.evidence.evaluate import evaluate
from byrote.record import Record
from byrote.record.surroundings import surroundings
from byrote.report import findings, sentences
from byrote.scores import shrunk_memorization
from byrote.stats.not_measured import NotMeasured
from byrote.task.designs import Design, Everything, KFold, LeaveOneOut, Subsets, Together
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.extending import divide
from byrote.training.progress import Progress
from byrote.training.until import Until, parse_until
from small import small_task

ONE = Compute(workers=1)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (0.9, Until(reliability=0.9)),
        ("0.9", Until(reliability=0.9)),
        ("reliability=.9", Until(reliability=0.9)),
        ("error=.05", Until(error=0.05)),
        ("top=100", Until(top=100, right=0.9)),
        ("top=100:.8", Until(top=100, right=0.8)),
        (" .95 , top = 20:.75, error=.1", Until(0.95, 0.1, 20, 0.75)),
    ],
)
def test_a_goal_is_a_short_text(given: str | float, meant: Until) -> None:
    assert parse_until(given) == meant
    assert parse_until(str(meant)) == parse_until(meant) == meant


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (0.05, "write error=0.05"),
        ("1", "reliability of 1 is no target"),
        (float("nan"), "reliability of nan is no target"),
        ("error=0", "standard error of 0 cannot"),
        ("error=nan", "standard error of nan cannot"),
        ("top=0", "has no entry"),
        ("top=10:1", "share of 1 of a list"),
        ("top=ten", "does not say"),
        ("error=.1:.2", "does not say"),
        ("", "does not say"),
        (".9,.8", "gives reliability twice"),
        ("errors=.1", "Did you mean 'error'"),
        ([0.9], "does not say"),
    ],
)
def test_what_cannot_be_known_is_refused(given: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=says):
        collect(small_task(), tmp_path, until=given)
    assert not list(tmp_path.iterdir())


def test_what_never_will_be_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="top 81 of 80"):
        collect(small_task(), tmp_path, until="top=81", canaries=None)
    with pytest.raises(InvalidData, match="trained on all examples"):
        collect(small_task(), tmp_path, until=0.9, design=Everything())
    with pytest.raises(InvalidData, match="nothing has to be known"):
        Until()


@pytest.mark.parametrize(
    ("design", "first"),
    [(Subsets(0.7), 4), (Subsets(0.5), 4), (Subsets(0.9), 10), (Together(0.7), 4), (KFold(5), 5), (LeaveOneOut(), 12)],
)
def test_all_are_in_as_many_runs_after_each_block(design: Design, first: int) -> None:
    groups = np.array(["a", "a", *[""] * 10])
    blocks = divide(0, 60, design, groups, packs=False)
    assert blocks[0] == first
    member = design.membership(blocks, groups, 3)
    for end in np.cumsum(blocks):
        inside = member[:end].sum(axis=0)
        assert 0 < inside.min() <= inside.max() < end
        assert np.ptp(inside) <= 1


def test_blocks_are_an_eighth_of_what_there_is_or_all_of_it_where_models_are_packed() -> None:
    groups = np.full(12, "")
    assert divide(0, 24, Subsets(0.7), groups, packs=False) == [4, *[1] * 12, *[2] * 4]
    assert divide(0, 24, Subsets(0.7), groups, packs=True) == [4, 4, 8, 8]
    assert divide(20, 25, Subsets(0.7), groups, packs=False) == [2, 2, 1]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress]]:
    """A collection that stopped by itself, and what it told."""
    told: list[Progress] = []
    where = tmp_path_factory.mktemp("until")
    collect(small_task(epochs=12), where, until=0.88, compute=ONE, progress=told.append)
    return where, told


def test_it_stops_at_the_first_block_that_is_good_enough(stopped: tuple[Path, list[Progress]]) -> None:
    where, told = stopped
    record = collect(small_task(epochs=12), where, runs=0)
    runs = len(record.runs)
    assert 6 <= runs < 16 <= sum(record.manifest["blocks"])
    assert record.runs == tuple(range(runs))
    seen = {now.certainty.runs: now.certainty.reliability.value for now in told if now.certainty}
    assert seen.pop(runs) >= 0.88
    assert seen
    assert max((value for number, value in seen.items() if number >= 6), default=0.0) < 0.88


def test_the_number_that_stops_is_the_one_of_the_verdict(stopped: tuple[Path, list[Progress]]) -> None:
    where, told = stopped
    found = findings(collect(small_task(epochs=12), where, runs=0))
    assert told[-1].certainty is not None
    assert not isinstance(found.memorized, NotMeasured)
    assert found.memorized.reliability == told[-1].certainty.reliability
    assert found.memorized.error == told[-1].certainty.error
    assert f"reliability of these values is about {told[-1].certainty.reliability.value:.2f}" in " ".join(
        sentences(found)
    )


def test_the_last_progress_is_that_of_a_finished_collection(stopped: tuple[Path, list[Progress]]) -> None:
    _, told = stopped
    assert told[-1].runs == told[-1].of_runs
    assert told[-1].steps == told[-1].of_steps
    assert told[-1].certainty is not None
    assert told[-1].known == f"reliability {told[-1].certainty.reliability.value:.2f}"
    assert all(now.runs <= now.of_runs and now.steps <= now.of_steps for now in told)


def test_asked_again_it_trains_nothing_and_asked_for_more_it_goes_on(stopped: tuple[Path, list[Progress]]) -> None:
    where, _ = stopped
    before = {path.name: path.stat().st_mtime_ns for path in (where / "runs").iterdir()}
    told: list[Progress] = []
    collect(small_task(epochs=12), where, until=0.88, compute=ONE, progress=told.append)
    assert not told
    assert before == {path.name: path.stat().st_mtime_ns for path in (where / "runs").iterdir()}
    more = collect(small_task(epochs=12), where, until="top=8:.5,0.88", runs=len(before) + 1, compute=ONE)
    assert len(before) <= len(more.runs) <= len(before) + 1
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in (where / "runs").iterdir()}.items()


def test_a_standard_error_and_a_list_are_goals_too(tmp_path: Path) -> None:
    record = collect(small_task(epochs=1), tmp_path, until="error=0.3", compute=ONE)
    known = Following(record).certainty(record.runs)
    assert known.error <= 0.3 < Following(record).certainty(record.runs[:-1]).error
    assert Until(top=8, right=0.05).holds(known) == (known.top(8).value >= 0.05)
    assert not Until(top=8, right=0.99).holds(known)
    said = Until(reliability=0.9, error=0.05, top=8).known(known)
    expected = f"reliability {known.reliability.value:.2f}, median standard error {known.error:.3f}, {known.top(8).value:.2f} of the top 8 right"
    assert said == expected


def test_runs_is_the_most_it_trains(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(collect(small_task(epochs=1), tmp_path, until="error=.001", runs=6, compute=ONE).runs) == 6
    assert "With 6 runs, the most that may be trained, error=0.001 is not reached." in caplog.text


@pytest.mark.cluster
def test_workers_give_up_what_is_not_needed(tmp_path: Path) -> None:
    task = small_task(epochs=12)
    record = collect(task, tmp_path, until=0.8, compute=Compute(workers=2))
    assert 6 <= len(record.runs) < 16
    assert not (tmp_path / "working").exists()
    assert Following(record).certainty(record.runs).reliability.value >= 0.8
    assert len(collect(task, tmp_path, runs=16, compute=ONE).runs) == 16, "those given up can be trained later"


def test_a_plain_collection_tells_what_its_verdict_says(tmp_path: Path) -> None:
    told: list[Progress] = []
    record = collect(small_task(epochs=2), tmp_path, runs=5, compute=ONE, progress=told.append)
    assert told[0].certainty is None
    last = told[-1].certainty
    assert last is not None
    assert last.runs == 5
    found = findings(record)
    assert not isinstance(found.memorized, NotMeasured)
    assert (found.memorized.reliability, found.memorized.error) == (last.reliability, last.error)


def test_what_is_known_of_the_examples_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks while it trains and the verdict after it ask for the neighbours of the same examples."""
    computed: list[int] = []
    original = surroundings

    def counted(*given: Any) -> Any:
        computed.append(len(given[0]))
        return original(*given)

    monkeypatch.setattr("byrote.record.population.surroundings", counted)
    told: list[Progress] = []
    record = collect(small_task(), tmp_path, runs=4, compute=ONE, progress=told.append)
    assert told[-1].certainty is not None
    values = evaluate(shrunk_memorization, record)
    assert len(computed) == 1
    again = evaluate(shrunk_memorization, Record(tmp_path))
    np.testing.assert_array_equal(values.value, again.value)
