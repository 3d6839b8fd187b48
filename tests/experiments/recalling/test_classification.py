"""A wanted list of a small task, in the weights and in memories: what has to be so by construction, and the page of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from byrote.errors import ByroteError, InvalidData
from byrote.experiments.recalling.compare import FILE, RecallComparison, compare_recall
from byrote.experiments.recalling.wanted_task import wanted_task
from byrote.experiments.recalling.way import Problem, Way
from byrote.findings.recalling import advise, recall_rows
from byrote.report.recalling_page import write_recall_comparison
from byrote.report.recalling_sentences import recalling_sentences
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.compute import Compute


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))


def clouds(count: int = 240, tests: int = 150, seed: int = 0) -> Task:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 8))
    labels = rng.integers(3, size=count + tests)
    inputs = (centres[labels] + 0.7 * rng.normal(size=(count + tests, 8))).astype(np.float32)
    recipe = Recipe(epochs=25, batch_size=16, optimizer="sgd", learning_rate=0.05)
    parts = (Examples(inputs[some], labels[some]) for some in (slice(count), slice(count, None)))
    return Task(network, *parts, recipe, name="clouds")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RecallComparison:
    return compare_recall(
        clouds(), tmp_path_factory.mktemp("recall"), wanted=40, runs=3, compute=Compute(workers=1), recall=0.9
    )


@pytest.fixture(scope="module")
def ways(found: RecallComparison) -> dict[str, Way]:
    return {way.name: way for way in found.problems[0].ways}


def test_a_memory_answers_all_that_it_holds_and_nothing_is_left_when_it_is_deleted(ways: dict[str, Way]) -> None:
    for name in ("memory of inputs", "memory of embeddings"):
        way = ways[name]
        assert way.memory
        assert way.recall.value == 1
        assert way.update is not None
        assert way.update.works.value == 1
        assert way.update.lost.value == 0
        assert way.deletion is not None
        assert way.deletion.works.value == way.deletion.never.value == ways["not stored"].recall.value
        assert way.leakage.value > 0.99  # distances of 0 give away what is stored


def test_what_is_not_stored_is_at_chance(ways: dict[str, Way]) -> None:
    way = ways["not stored"]
    assert way.parts["arbitrary answers"].value < 0.3
    assert way.parts["as labelled"].value > 0.7
    assert way.leakage.low < 0.5 < way.leakage.high
    assert way.leakage_of_answers.low < 0.5 < way.leakage_of_answers.high
    assert way.update is None


def test_the_weights_recall_more_than_they_did_without_the_list(ways: dict[str, Way]) -> None:
    plain, held = ways["in the weights"], ways["in the weights, floor 0.9"]
    for way in (plain, held):
        assert way.recall.value > ways["not stored"].recall.value + 0.1
        assert way.leakage.value > 0.5
        assert way.deletion is not None
        assert way.deletion.seconds.value > 0
        assert way.bytes_each == 0
    assert held.recall.value >= 0.85


def test_noise_costs_recall(ways: dict[str, Way]) -> None:
    for way in ways.values():
        if way.name != "not stored":
            assert way.varied["noise of 1 standard deviations"].value < way.recall.value


def test_numbers_rows_sentences_and_page_say_the_same(found: RecallComparison, ways: dict[str, Way]) -> None:
    content = json.loads((found.directory / FILE).read_text())
    assert [way["name"] for way in content["problems"][0]["ways"]] == list(ways)
    assert content["problems"][0]["ways"][1]["recall"]["value"] == ways["in the weights"].recall.value
    rows = {row["way"]: row for row in recall_rows(found)}
    assert rows["memory of inputs"]["recall"] == 1
    assert rows["not stored"]["update seconds"] is None
    taken = advise(found.problems[0]).take
    sentences = recalling_sentences(found)
    assert taken.name in sentences[0]
    page = Path(str(write_recall_comparison(found))).read_text()
    assert page.count('<small class="change">taken</small>') == 2  # both tables
    assert "In the weights, or in a memory?" in page


def test_models_are_trained_once(found: RecallComparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byrote.training.collect.train_all", lambda *_, **__: pytest.fail("trained again"))
    again = compare_recall(clouds(), found.directory, wanted=40, runs=3, compute=Compute(workers=1), recall=0.9)
    for one, other in zip(found.problems[0].ways, again.problems[0].ways, strict=True):
        assert (one.recall, one.new, one.leakage) == (other.recall, other.new, other.leakage)


def test_the_list() -> None:
    task = clouds()
    listed = wanted_task(task, 40, seed=3)
    parts = [listed.wanted, listed.others, listed.new]
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts)) == 90
    changed = listed.task.train.labels != task.train.labels
    assert np.flatnonzero(changed).tolist() == listed.arbitrary.tolist()
    assert [int(changed[part].sum()) for part in parts] == [20, 20, 10]
    assert listed.without.excluded == frozenset(task.train.ids[np.concatenate(parts)])
    assert listed.with_all.excluded == frozenset(task.train.ids[np.concatenate(parts[1:])])
    same = wanted_task(task, 40, seed=3)
    assert (same.wanted == listed.wanted).all()
    named = wanted_task(task, task.train.ids[:5].tolist(), seed=3)
    assert named.wanted.tolist() == [0, 1, 2, 3, 4]
    assert not np.isin(named.wanted, named.arbitrary).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wanted": 100}, "100 of 240 training examples cannot be wanted here. Give from 2 to 60"),
        ({"wanted": ["no"]}, "of no training example of 'clouds', for example 'no'"),
        ({"wanted": [str(i) for i in range(150)]}, "150 of 240 training examples are wanted"),
        ({"runs": 1}, "With 1 model of each way nothing has an interval"),
        ({"problems": ["speech"]}, "no problem named 'speech'"),
    ],
)
def test_refusals(change: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=message):
        compare_recall(clouds(), tmp_path, **change)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_leakage_is_not_measured_where_others_are_not_of_the_kind_of_the_list(tmp_path: Path) -> None:
    task = clouds()
    found = compare_recall(task, tmp_path, wanted=task.train.ids[:20].tolist(), runs=3, compute=Compute(workers=1))
    assert all(np.isnan(way.leakage.value) for way in found.problems[0].ways)
    assert any("drawn at random" in sentence for sentence in recalling_sentences(found))


def test_what_has_no_tests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="has no test examples"):
        compare_recall(replace(clouds(), test=None), tmp_path, wanted=40)


def test_without_the_extra_language_is_left_out_or_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byrote.experiments.recalling.compare.find_spec", lambda _: None)
    with pytest.raises(ByroteError, match=r"pip install 'byrote\[lm\]'"):
        compare_recall(None, tmp_path, problems=["language"])
    for name in ("on_classification", "on_verification", "on_few_shot"):
        monkeypatch.setattr(
            f"byrote.experiments.recalling.compare.{name}", lambda *_, **__: Problem("x", "", "", "", ())
        )
    found = compare_recall(None, tmp_path)
    assert len(found.problems) == 3
    assert list(found.left_out) == ["language"]
