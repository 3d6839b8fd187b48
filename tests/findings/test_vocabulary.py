"""The words of the report follow the objective, and what a record does not hold is absent with a reason."""

import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from byrote.errors import ByroteError, MissingEvidence
from byrote.evidence.targets import target_text
from byrote.explain.relabel import suggestions
from byrote.findings.accuracy import mean_right
from byrote.findings.vocabulary import CLASSIFICATION, REGRESSION, read_vocabulary, vocabulary
from byrote.record import Record
from byrote.record.inputs import describe
from byrote.report import NotMeasured, findings, write_report
from byrote.report.numbers import difference_text, right, right_range
from byrote.stats.estimate import Estimate
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from findings.test_copies import text
from findings.test_findings import own_loop


@pytest.mark.parametrize(
    ("kind", "word", "written"),
    [
        ("classification", "accuracy", "87.2\N{NO-BREAK SPACE}%"),
        ("regression", "R²", "0.87"),
        ("multilabel", "share of labels right", "87.2\N{NO-BREAK SPACE}%"),
    ],
)
def test_each_objective_has_its_words_and_its_number_format(kind: str, word: str, written: str) -> None:
    words = vocabulary(kind)
    assert (words.kind, words.right) == (kind, word)
    assert right(0.872, words) == written


def test_an_unknown_objective_is_refused_with_the_nearest() -> None:
    with pytest.raises(ByroteError, match="'regression'"):
        vocabulary("regresion")


def test_a_difference_is_in_points_only_where_the_numbers_are_shares() -> None:
    size = Estimate(0.1234, 0.1, 0.2, 9, "run")
    assert difference_text(size, CLASSIFICATION) == "12.3 points [10.0,\N{NO-BREAK SPACE}20.0]"
    assert difference_text(size, REGRESSION, sign=True) == "+0.12 [+0.10,\N{NO-BREAK SPACE}+0.20]"


def test_a_missing_interval_is_named_with_what_the_number_comes_from() -> None:
    assert right_range(Estimate(0.5, np.nan, np.nan, 1, "run"), CLASSIFICATION) == "no interval from 1 run"


def test_a_score_that_is_not_a_share_may_be_negative() -> None:
    answers = [np.array([0.9, -3.0, 0.5]), np.array([0.8, -2.0, 0.1])]
    found = mean_right(answers, "none", is_share=False)
    assert not isinstance(found, NotMeasured)
    assert found.value == pytest.approx(np.mean([a.mean() for a in answers]))
    assert found.low < found.value < 0
    alone = mean_right(answers[:1], "none", is_share=False)
    assert not isinstance(alone, NotMeasured)
    assert (alone.unit, alone.n) == ("example", 3)
    assert alone.value == pytest.approx(answers[0].mean())


def network(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, outputs))


def learned(objective: str, directory: Path) -> Record:
    """Train a few small models on numbers, or on three labels at once, that depend on six features."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 6)).astype(np.float32)
    score = inputs @ rng.normal(size=(6, 3)) + rng.normal(0, 0.5, (200, 3))
    several = objective == "multilabel"
    targets = (score > 0).astype(np.int8) if several else score[:, 0].astype(np.float32)
    inputs[150], targets[150] = inputs[0], targets[0]  # one copy in the test set
    model = functools.partial(network, 3 if several else 1)
    train, test = Examples(inputs[:150], targets[:150]), Examples(inputs[150:], targets[150:])
    classes = ("high", "wide", "late") if several else ()
    task = Task(model, train, test, Recipe(epochs=15, batch_size=16), classes, objective, objective=objective)
    return collect(task, directory, runs=5, canaries=Canaries.of_each(6), compute=Compute(workers=1))


@pytest.fixture(scope="module", params=["regression", "multilabel"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Record:
    return learned(request.param, tmp_path_factory.mktemp("objectives") / request.param)


@pytest.fixture(scope="module")
def other_page(other: Record) -> str:
    return Path(write_report(other)).read_text()


@pytest.mark.slow
def test_the_objective_of_a_record_chooses_the_words(record: Record, other: Record) -> None:
    assert read_vocabulary(record) == CLASSIFICATION
    assert read_vocabulary(other) == vocabulary(other.objective.name)


def test_accuracies_are_means_of_the_outcome_of_the_objective(other: Record) -> None:
    found = findings(other).accuracies
    train = other.population.where("train")
    outcomes = [other.at_step(run, other.objective.outcome, other.last_step) for run in other.runs]
    members = [other.member(run) & train for run in other.runs]
    means = [np.asarray(each, np.float64)[member].mean() for each, member in zip(outcomes, members, strict=True)]
    assert isinstance(found.learned, Estimate)
    assert isinstance(found.held_out, Estimate)
    assert isinstance(found.gap, Estimate)
    assert (found.learned.value, found.learned.n) == (pytest.approx(np.mean(means)), 5)
    assert found.gap.value == pytest.approx(found.learned.value - found.held_out.value)


def test_what_makes_no_sense_for_an_objective_is_absent_with_its_reason(other: Record, other_page: str) -> None:
    if other.objective.name == "regression":
        assert "a regression has none" in text(other_page, "map")
    shown = text(other_page, "agreement")
    assert ("a regression does not have" in shown) == (other.objective.name == "regression")
    assert "--probe" not in shown


def test_the_gallery_shows_causes_predictions_and_suggestions_of_the_objective(other: Record, other_page: str) -> None:
    several = other.objective.name == "multilabel"
    shown = text(other_page, "gallery")
    assert ("label suspect" if several else "target suspect") in shown
    assert ("byrote relabel" in shown) == (not several)
    assert several or "interval of this mean, not of the true target" in shown
    data = json.loads(re.findall(r'<script[^>]*id="data"[^>]*>(.*?)</script>', other_page, re.DOTALL)[0])
    position = {name: at for at, name in enumerate(other.population.ids)}
    for item in data["items"][:10]:
        out = [run for run in other.runs if not other.member(run)[position[item["id"]]]]
        if several:
            first = item["table"]["rows"][0]
            right = [other.at_step(run, "correct_0", other.last_step)[position[item["id"]]] for run in out]
            yes = sum(bool(each) == (first[1] == "yes") for each in right)
            assert first == ["high", first[1], f"{yes} of {len(out)}"]
        else:
            mean = np.mean([other.at_step(run, "prediction", other.last_step)[position[item["id"]]] for run in out])
            assert float(item["predicted"]) == pytest.approx(mean, abs=0.01)
            assert item["memorization"][0] <= data["most"]


def test_the_page_speaks_in_the_words_of_the_objective(other: Record, other_page: str) -> None:
    shown = re.sub(r"<(script|style).*?</\1>", "", other_page, flags=re.DOTALL)
    assert "ccuracy" not in shown
    assert read_vocabulary(other).heading in text(other_page, "verdict")
    assert "nan" not in text(other_page, "verdict").lower().split()
    assert "1 of 50 test examples has a near-duplicate" in text(other_page, "copies")


def test_targets_are_written_as_numbers_or_as_the_labels_of_the_example(other: Record) -> None:
    target = other.population.labels[0]
    if other.objective.name == "regression":
        assert float(target_text(other, 0)) == pytest.approx(float(target), rel=1e-5)
    else:
        names = [name for name, has in zip(("high", "wide", "late"), target, strict=True) if has]
        assert target_text(other, 0) == (", ".join(names) or "no label")


def test_labels_are_suggested_for_classes_and_targets_only(other: Record) -> None:
    if other.objective.name == "regression":
        assert len(suggestions(other)) == other.population.where("train").sum()
        return
    with pytest.raises(MissingEvidence, match=other.objective.name):
        suggestions(other)


@pytest.mark.slow
def test_the_settings_say_how_inputs_reach_the_model(record: Record, tmp_path: Path) -> None:
    page = Path(write_report(record, tmp_path / "page.html")).read_text()
    assert f"inputs {describe(record.inputs)}" in text(page, "settings")
    own = own_loop(record, tmp_path / "own", clean_pass=True)
    assert not own.inputs
    page = Path(write_report(own)).read_text()
    assert " inputs " not in text(page, "settings")
