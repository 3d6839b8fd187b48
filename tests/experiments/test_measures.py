"""The measures of a comparison against slow loops, and hard examples that a run's own results have no part in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from byrote.experiments.measures import BINS, HARD, calibration_error, gap, hard_examples, leakage, measured
from byrote.record import Record
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task


def test_a_calibrated_model_has_no_error_and_an_overconfident_one_its_own() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1.0, 20_000)
    assert calibration_error(confidence, rng.random(20_000) < confidence) < 0.01
    assert calibration_error(confidence, rng.random(20_000) < confidence - 0.2) == pytest.approx(0.2, abs=0.01)


def test_small_bins_add_no_calibration_error_on_average() -> None:
    rng, squares = np.random.default_rng(1), []
    for _ in range(300):
        confidence = rng.uniform(0.5, 1.0, 150)
        squares.append(calibration_error(confidence, rng.random(150) < confidence - 0.1) ** 2)
    assert np.mean(squares) == pytest.approx(0.1**2, rel=0.25)  # the biased one is three times as large


def test_too_few_examples_have_no_calibration_error() -> None:
    assert np.isnan(calibration_error(np.full(2 * BINS - 1, 0.9), np.ones(2 * BINS - 1, np.bool_)))


def test_leakage_is_the_share_of_members_above_one_in_a_hundred_others() -> None:
    values = np.concatenate([np.arange(200.0), [150.0, 198.5, 197.5, 300.0]])
    member = np.arange(204) >= 200
    assert leakage(values, member) == 0.75  # 198 and 199 may be accused: all members above 197
    assert np.isnan(leakage(values[150:], member[150:]))  # 50 others allow none of a hundred
    assert np.isnan(leakage(np.where(values == 3, np.nan, values), member))


def test_a_gap_without_one_side_is_undefined() -> None:
    right, member = np.array([True, False, True]), np.array([True, True, True])
    assert np.isnan(gap(right, member, member))
    assert gap(right, np.array([True, False, False]), member) == 0.5


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    task = small_task(epochs=3)
    return collect(task, tmp_path_factory.mktemp("measures"), runs=4, compute=Compute(workers=1))


def test_hard_examples_are_chosen_by_the_other_runs(record: Record) -> None:
    hard = hard_examples(record)
    train, test = (np.flatnonzero(record.population.where(split)) for split in ("train", "test"))
    assert (hard.train[:, train].sum(axis=1) == round(HARD * len(train))).all()
    assert (hard.test[:, test].sum(axis=1) == round(HARD * len(test))).all()
    assert not hard.train[:, test].any()
    for run in record.runs:
        others = [each for each in record.runs if each != run]
        right = np.mean([record.at_step(each, "correct", record.last_step)[test] for each in others], axis=0)
        loss = np.mean([record.at_step(each, "loss", record.last_step)[test] for each in others], axis=0)
        expected = sorted(range(len(test)), key=lambda at: (right[at], -loss[at]))[: round(HARD * len(test))]
        assert set(np.flatnonzero(hard.test[run])) == set(test[expected])


def test_the_confidence_of_a_wrong_class_follows_from_the_margin(record: Record) -> None:
    """The rival's probability is the label's times exp(-margin); with the label it is at most 1."""
    confidence, margin = (record.at_step(0, name, record.last_step) for name in ("confidence", "margin"))
    rival = confidence * np.exp(-margin.astype(np.float64))
    assert ((confidence + rival) <= 1 + 1e-5).all()
    assert (rival > confidence)[~record.at_step(0, "correct", record.last_step)].all()


def test_examples_that_do_not_count_change_nothing(record: Record) -> None:
    everyone, none = np.ones(len(record.population), np.bool_), np.zeros(len(record.population), np.bool_)
    hard = hard_examples(record)
    found = measured(record, record.runs, hard, everyone)
    assert found["memorization"].shape == (4,)
    assert np.isfinite(found["accuracy"]).all()
    assert np.isnan(measured(record, record.runs, hard, none)["memorization"]).all()


def test_a_task_without_test_examples_and_a_regression_are_measured_as_far_as_they_go(tmp_path: Path) -> None:
    task = small_task(epochs=2)
    untested = collect(replace(task, test=None), tmp_path / "untested", runs=3, compute=Compute(workers=1))
    everyone = np.ones(len(untested.population), np.bool_)
    found = measured(untested, untested.runs, hard_examples(untested), everyone)
    assert np.isfinite(found["accuracy"]).all()  # on the training examples that a run was not trained on
    assert np.isnan(found["hard tests"]).all()
    train, test = (replace_labels(part) for part in (task.train, task.test))
    numbers = collect(
        Task(task.model, train, test, task.recipe, objective="regression"),
        tmp_path / "r",
        runs=3,
        compute=Compute(workers=1),
    )
    found = measured(numbers, numbers.runs, hard_examples(numbers), np.ones(len(numbers.population), np.bool_))
    assert np.isfinite(found["memorization"]).all()
    assert np.isnan([found[name] for name in ("worst class", "calibration error", "mislabeled probability")]).all()


def replace_labels(examples: object) -> object:
    """Return the examples with four numbers for each class."""
    return examples.with_labels(np.eye(4, dtype=np.float32)[examples.labels])  # type: ignore[attr-defined]
