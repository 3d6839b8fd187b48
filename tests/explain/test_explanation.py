import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from byrote.errors import MissingEvidence
from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import Values, evaluate
from byrote.evidence.outcomes import read_outcomes
from byrote.explain import Explanation, dependents_of, explain, find_dependences, space
from byrote.findings.evaluated_scores import read_panel
from byrote.record import Record
from byrote.scores import memorization
from small_record import CLOSING, COPY, COPY_OF, HOSTILE, make


def position(record: Record, name: str) -> int:
    found = np.flatnonzero((record.population.ids == name) | (record.population.source == name))
    return int(found[0])


@pytest.fixture(scope="module")
def explained(record: Record) -> list[Explanation]:
    return explain(record, top=40)


def test_the_most_memorized_real_examples_come_first(record: Record, explained: list[Explanation]) -> None:
    values = [each.memorization.value for each in explained]
    assert values == sorted(values, reverse=True)
    everyone = best_memorization(record)
    assert str(everyone.score) == "shrunk_memorization"
    rest = record.population.where("train")
    rest[[each.position for each in explained]] = False
    assert values[-1] >= np.nanmax(everyone.value[rest])


def test_everything_ranks_by_the_same_estimate(record: Record, explained: list[Explanation]) -> None:
    """The shrunk one where margins were recorded, else the textbook one."""
    best = best_memorization(record)
    assert [each.memorization.value for each in explained] == [best.value[each.position] for each in explained]
    panel = read_panel(record)
    assert isinstance(panel.memorization, Values)
    assert panel.values["shrunk_memorization"] is panel.memorization
    np.testing.assert_array_equal(panel.memorization.value, best.value)
    bare = Record(record.directory)
    bare.at_step = lambda run, column, step: record.at_step(run, column, step) * (np.nan if column == "margin" else 1)
    panel = read_panel(bare)
    assert isinstance(panel.memorization, Values)
    assert panel.values["memorization"] is panel.memorization
    assert "shrunk_memorization" in panel.reasons
    textbook = evaluate(memorization, record)
    (first, *_) = explain(bare, top=1)
    assert first.memorization.value == textbook.value[first.position]


def test_canaries_are_nowhere(record: Record, explained: list[Explanation]) -> None:
    names = record.population.ids
    for each in explained:
        assert each.id.startswith("train/")
        for other in (*each.neighbours, *each.test_neighbours, *each.duplicates):
            assert not other.id.startswith("canary/")
        for pair in each.dependents:
            assert not names[pair.target].startswith("canary/")


def test_outsiders_are_counted_over_the_runs_that_left_it_out(record: Record, explained: list[Explanation]) -> None:
    for each in explained[:10]:
        counts = Counter(
            int(record.at_step(run, "prediction", record.last_step)[each.position])
            for run in record.runs
            if not record.member(run)[each.position]
        )
        assert dict(enumerate(each.out_predictions.counts)) == {label: counts[label] for label in range(4)}


def test_planted_copies_are_found_with_their_labels(record: Record) -> None:
    pairs = [(f"train/{COPY_OF}", f"train/{COPY}", True), (f"train/{HOSTILE}", f"train/{CLOSING}", False)]
    for first, second, same in pairs:
        assert {first, second} <= set(record.population.ids), "a planted copy became a canary: change the seed"
        found = explain(record, np.array([position(record, first), position(record, second)]))
        for each, other in zip(found, (second, first), strict=True):
            assert each.duplicates[0].id == other
            assert each.duplicates[0].distance == 0
            assert (each.duplicates[0].label == each.label) is same
        if not same:
            assert [each.cause for each in found] == ["near-duplicate", "near-duplicate"]


def test_planted_wrong_labels_are_suspected_and_ordinary_ones_are_not(record: Record) -> None:
    population = record.population
    wrong = explain(record, np.flatnonzero(population.canary == "mislabeled"))
    right = explain(record, np.flatnonzero(population.canary == "ordinary"))
    suspects = [each for each in wrong if each.cause == "label suspect"]
    assert len(suspects) >= 0.7 * len(wrong)
    true = sum(each.alternative == population.true_label[each.position] for each in suspects)
    assert true >= 0.8 * len(suspects)  # one in twelve of the labels was wrong before
    kept = [each for each in right if each.memorization.value < 0.5]
    assert sum(each.cause == "label suspect" for each in kept) <= 0.1 * len(kept)


def test_without_inputs_there_are_no_neighbours_but_what_others_say(record: Record, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copytree(record.directory / "runs", bare / "runs")
    shutil.copy(record.directory / "record.json", bare)
    table = pq.read_table(record.directory / "examples.parquet")
    at = table.schema.get_field_index("picture")
    nothing = pa.nulls(len(table), pa.binary())
    pq.write_table(table.set_column(at, table.schema.field(at), nothing), bare / "examples.parquet")
    found = explain(Record(bare), top=5)
    assert all(not each.neighbours and not each.duplicates and np.isnan(each.remoteness) for each in found)
    assert all(each.out_predictions.models for each in found)


def test_one_run_is_refused(tmp_path: Path) -> None:
    alone = make(tmp_path / "one", runs=1, canaries=0, epochs=1)
    with pytest.raises(MissingEvidence, match="needs 2 runs or more"):
        explain(alone)


def test_dependents_are_looked_for_among_look_alikes_and_never_among_canaries(record: Record) -> None:
    points, answers = space(record.population), read_outcomes(record)
    asked = np.flatnonzero(record.population.where("train"))[:30]
    found = dependents_of(record, asked, answers, points)
    real = np.flatnonzero(~record.population.where("canary"))
    assert found.pairs == find_dependences(record.population, answers, asked, real, points).pairs
    assert {pair.source for pair in found.pairs} <= set(asked.tolist())
    assert not record.population.where("canary")[[pair.target for pair in found.pairs]].any()
    blind = record.population.with_inputs(np.zeros((len(record.population), 0), np.float32))
    everywhere = dependents_of(record, asked, answers, space(blind))
    assert everywhere.considered > found.considered > 0
