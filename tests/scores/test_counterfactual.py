"""Counterfactual memorization of any column: SciPy's Welch, the loop, and what is read of a record."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import MissingEvidence, Unsupported
from byrote.evidence.evaluate import evaluate
from byrote.scores import counterfactual, memorization, soft_memorization
from written import written

RUNS, N = 12, 15


def _data(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    return rng.normal(3, 5, (RUNS, N)), rng.random((RUNS, N)) < 0.6


def test_value_and_interval_are_those_of_welch() -> None:
    outcome, member = _data()
    assert counterfactual.interval
    low, high = counterfactual.interval(outcome, member, level=0.8)
    for i in range(N):
        inside, outside = outcome[member[:, i], i], outcome[~member[:, i], i]
        assert counterfactual(outcome, member)[i] == pytest.approx(inside.mean() - outside.mean())
        expected = stats.ttest_ind(inside, outside, equal_var=False).confidence_interval(0.8)
        assert (low[i], high[i]) == pytest.approx((expected.low, expected.high))


def test_the_interval_covers_normal_outcomes_at_its_nominal_rate() -> None:
    """14 runs in and 6 out, of unequal variance; 20,000 examples: error .002."""
    rng = np.random.default_rng(1)
    member = np.arange(20)[:, None] < np.full(20000, 14)
    outcome = np.where(member, rng.normal(5, 1, member.shape), rng.normal(2, 3, member.shape))
    assert counterfactual.interval
    low, high = counterfactual.interval(outcome, member, level=0.9)
    assert ((low <= 3) & (high >= 3)).mean() == pytest.approx(0.9, abs=0.01)


def test_rare_jumps_fool_the_interval_and_not_that_of_probabilities() -> None:
    """What the docstring warns of: one in ten of six runs without the example jumps. 20,000 examples: error .004."""
    rng = np.random.default_rng(0)
    member = np.arange(20)[:, None] < np.full(20000, 14)
    outside = np.where(rng.random(member.shape) < 0.1, rng.random(member.shape), 0.02)
    outcome, covered = np.where(member, rng.uniform(0.8, 1, member.shape), outside), []
    for score in (counterfactual, soft_memorization):
        assert score.interval
        low, high = score.interval(outcome, member, level=0.9)
        truth = 0.9 - (0.1 * 0.5 + 0.9 * 0.02)
        covered.append(((low <= truth) & (truth <= high)).mean())
    assert covered[0] == pytest.approx(0.5, abs=0.05)
    assert covered[1] > 0.9


def test_it_scales_with_the_outcome_and_forgets_a_shift() -> None:
    outcome, member = _data()
    np.testing.assert_allclose(counterfactual(7 - 2 * outcome, member), -2 * counterfactual(outcome, member))


def test_bad_outcomes() -> None:
    member = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 1, 1, 1, 1], [0, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0]], bool)
    outcome = np.array(
        [
            [1.0, 1.0, np.inf, 1.0, 2.0, np.inf],
            [np.nan, 2.0, 1.0, 2.0, 2.0, np.inf],
            [0.0, 2.0, 0.0, 3.0, 1.0, 0.0],
            [0.5, 2.0, np.inf, 1.0, 1.0, 1.0],
        ]
    )
    np.testing.assert_array_equal(counterfactual(outcome, member), [0.75, -1, np.nan, np.nan, 1, np.inf])
    assert counterfactual.interval
    for end in counterfactual.interval(outcome, member, level=0.9):
        assert np.isnan(end).all()  # one run on a side, twice; infinity; no side; no spread; infinity
    assert np.isnan(counterfactual(np.zeros((0, 2)), np.zeros((0, 2), bool))).all()


def test_a_record_is_read_by_column_and_turned_to_where_high_is_good(tmp_path: Path) -> None:
    outcome, member = _data()
    columns = {
        "confidence": 1 / (1 + np.exp(-outcome)),
        "loss": np.abs(outcome),
        "margin": outcome,
        "residual": np.abs(outcome) / 20,
        "correct": outcome > 2,
        "prediction": np.zeros((RUNS, N), np.int64),
    }
    record = written(tmp_path, member, columns)
    assert counterfactual.options == {"column": "confidence", "step": -1}
    for name in ("confidence", "margin", "loss", "residual"):
        sign = -1 if name in ("loss", "residual") else 1
        expected = counterfactual(sign * columns[name].astype(np.float32), member)
        found = evaluate(counterfactual.bind(column=name), record)
        np.testing.assert_array_equal(found.value, expected)
        assert (found.low < found.value).all()
        assert str(found.score) == f"counterfactual(column={name!r})"
    np.testing.assert_array_equal(
        evaluate(counterfactual, record).value, evaluate(counterfactual.bind(column="confidence"), record).value
    )
    hard = evaluate(counterfactual.bind(column="correct"), record).value
    np.testing.assert_allclose(hard, memorization(columns["correct"], member), atol=1e-15)


@pytest.mark.parametrize("column", ["member", "prediction", "loss_seen"])
def test_what_is_no_outcome_is_refused(tmp_path: Path, column: str) -> None:
    outcome, member = _data()
    trained = {"loss": np.repeat(outcome[:, None], 2, axis=1)}
    record = written(tmp_path, member, {"prediction": np.zeros((RUNS, N), np.int64)}, trained)
    with pytest.raises(Unsupported, match=rf"'{column}'.*Take one of: confidence"):
        evaluate(counterfactual.bind(column=column, step=2), record)


@pytest.mark.parametrize("column", ["outcome", "los"])
def test_a_column_that_the_record_lacks_is_refused(tmp_path: Path, column: str) -> None:
    outcome, member = _data()
    record = written(tmp_path, member, {"loss": outcome})
    with pytest.raises(
        MissingEvidence, match=rf"reads {column}\[run example\].*A probe is computed while models train"
    ):
        evaluate(counterfactual.bind(column=column), record)
    with pytest.raises(MissingEvidence, match=r"confidence\[run example\].*run 0.*another score"):
        evaluate(counterfactual, record)
