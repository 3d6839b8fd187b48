"""Scores that read what a record's objective does not have say so, and advise a probe only where one would help."""

import numpy as np
import pytest
from torch import nn

import byrote
from byrote.errors import MissingEvidence
from byrote.evidence.catalogue import find_score
from byrote.record import Record
from byrote.scores import aum, c_score, counterfactual, el2n, forgetting, memorization, shrunk_memorization
from byrote.signature import Score
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Record:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    task = Task(lambda: nn.Linear(3, 1), Examples(x, x[:, 0]), None, Recipe(epochs=2), objective="regression")
    where = tmp_path_factory.mktemp("regression")
    return collect(task, where, runs=4, canaries=Canaries(), compute=Compute(workers=1))


@pytest.mark.parametrize("score", [aum, forgetting, shrunk_memorization], ids=str)
def test_a_column_of_another_objective(regression: Record, score: Score) -> None:
    with pytest.raises(
        MissingEvidence, match=r"models learn regression.* columns loss, r2, residual, prediction"
    ) as found:
        byrote.evaluate(score, regression)
    assert "probe" not in str(found.value)


@pytest.mark.parametrize("column", ["confidence", "correct"])
def test_an_outcome_of_another_objective_is_refused_and_not_undefined(regression: Record, column: str) -> None:
    with pytest.raises(MissingEvidence, match=rf"{column}\[run example\].*counterfactual\(column='r2'\)"):
        byrote.evaluate(counterfactual.bind(column=column), regression)
    value = byrote.evaluate(counterfactual.bind(column="r2"), regression).value
    np.testing.assert_allclose(value, byrote.evaluate(memorization, regression).value, rtol=1e-6)


def test_a_column_that_a_probe_brings(regression: Record) -> None:
    with pytest.raises(MissingEvidence, match=r"probes=\['grand'\]"):
        byrote.evaluate(find_score("grand"), regression)


@pytest.mark.parametrize("score", [memorization, c_score, el2n.bind(step=1)], ids=str)
def test_scores_of_what_is_there(regression: Record, score: Score) -> None:
    assert np.isfinite(byrote.evaluate(score, regression).value).any()


def test_reading_a_column_that_is_not_there(regression: Record) -> None:
    for read in (lambda: regression.at_step(0, "correct", 1), lambda: regression.over_steps(0, "correct")):
        with pytest.raises(MissingEvidence, match=r"'correct'.*loss, loss_seen, member, prediction.*learn regression"):
            read()


def test_too_few_of_the_runs_were_chosen(regression: Record) -> None:
    with pytest.raises(MissingEvidence, match=r"only 1 of the 4 finished runs of .* was chosen. Choose more") as found:
        byrote.evaluate(memorization, regression, runs=[2])
    assert found.value.remedy is None
