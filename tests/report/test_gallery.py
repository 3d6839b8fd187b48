"""The gallery of a regression: marks, scales and names that a reader takes as they are meant."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from byrote.explain import Explanation, explain, space
from byrote.explain.neighbours import Neighbour
from byrote.findings.canary_check import read_detection
from byrote.record import Population, Record
from byrote.report import read_panel, write_report
from byrote.report.gallery import _neighbours
from byrote.report.out_models import show_out_models
from byrote.report.pictures import Album
from byrote.report.sections.memorized_examples import _most, _undecided
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task

TARGETS = np.array([0.0, 1, 2, 3, 100, 4, 5, 6, 7, 8])


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """One target, "price", of which the fourth is far from all others; models predict a mean."""

    def mean(train: Examples, seed: int) -> Any:
        return lambda inputs: np.full((len(inputs), 1), train.labels.mean())

    inputs = np.random.default_rng(0).normal(size=(10, 2))
    examples = Examples(inputs, TARGETS)
    task = Task(Fit(mean), examples, examples, classes=("price",), objective="regression")
    return collect(task, tmp_path_factory.mktemp("gallery") / "record", runs=8, compute=Compute(workers=1))


def near(record: Record, *positions: int) -> tuple[Neighbour, ...]:
    return tuple(Neighbour(at, str(record.population.ids[at]), 0, 1.0, "") for at in positions)


def test_where_every_neighbour_has_another_target_none_is_marked(record: Record) -> None:
    """The example with 100 is the odd one, not each of its neighbours; beside the example with 3, that one is."""
    for at, others, marked in ((4, (0, 1, 2), [False] * 3), (3, (0, 4, 2), [False, True, False])):
        odd = cast("Explanation", SimpleNamespace(position=at))
        assert [each["differs"] for each in _neighbours(record, odd, near(record, *others))] == marked


def test_a_near_duplicate_has_a_cause_however_few_models_left_it_out() -> None:
    few, enough = SimpleNamespace(models=1), SimpleNamespace(models=3)
    found = [("unclear", few), ("near-duplicate", few), ("unclear", enough)]
    explained = [cast("Explanation", SimpleNamespace(cause=cause, out_predictions=out)) for cause, out in found]
    assert _undecided(explained) == 1


def test_data_that_were_not_kept_are_no_table() -> None:
    """A loop of one's own that gives no examples: then no sentence is about the rows of a table."""
    names = np.array([f"train/{at}" for at in range(5)])
    bare = Population.of(names, np.full(5, "train"), np.zeros(5, np.int64), np.zeros((5, 0), np.float32))
    assert Album(bare).kind == ""


def test_one_target_has_one_name_on_its_card_and_in_its_table(record: Record) -> None:
    (found,) = explain(record, np.array([4]), points=space(record.population))
    table = show_out_models(record, found).table
    assert table is not None
    assert table["rows"][0][0] == "target"
    assert "Its target is " in found.evidence


def test_the_scale_of_the_cards_holds_every_interval(record: Record) -> None:
    sizes = [Estimate(2.6, 1.9, 3.3, 8, "run", 0.9), Estimate(2.0, float("nan"), float("nan"), 8, "run", 0.9)]
    shown = SimpleNamespace(explained=[SimpleNamespace(memorization=size) for size in sizes])
    assert _most(record, cast("Any", shown)) == 4


def test_without_canaries_a_regression_speaks_of_targets(record: Record) -> None:
    found = read_detection(record, read_panel(record))
    assert isinstance(found, NotMeasured)
    assert found.reason.startswith("No wrong targets were planted")


def test_where_too_few_models_left_the_examples_out_the_page_says_how_many_runs_it_takes(tmp_path: Path) -> None:
    few = collect(small_task(epochs=2), tmp_path / "few", runs=3, compute=Compute(workers=1))
    page = Path(str(write_report(few))).read_text()
    found = re.search(r"For (\d+) of these (\d+) no cause can be said yet: .* With about (\d+) runs", page)
    assert found is not None
    undecided, shown, runs = map(int, found.groups())
    assert undecided == shown
    assert 10 <= runs <= 20, "30 % of the runs leave an example out: four of 13"
