"""Memorization, influence and C-score of numbers, such as r2, against SciPy one example at a time."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.scores import c_score, influence, memorization

RUNS, EXAMPLES = 15, 8
RNG = np.random.default_rng(5)
MEMBER = RNG.random((RUNS, EXAMPLES)) < 0.6
MEMBER[:, 0], MEMBER[:, 1], MEMBER[:, 2] = True, np.arange(RUNS) == 0, False
OUTCOME = (RNG.normal(1000, 10.0 ** np.arange(-2, 6, 1), (RUNS, EXAMPLES)) + 3 * MEMBER).astype(np.float32)


def peer(outcome: NDArray[np.float64], own: NDArray[np.bool_], level: float) -> tuple[float, float, float]:
    """Return the difference of means and Welch's interval; NaN where SciPy has none."""
    if own.all() or not own.any():
        return np.nan, np.nan, np.nan
    value = outcome[own].mean() - outcome[~own].mean()
    if min(own.sum(), (~own).sum()) < 2:
        return value, np.nan, np.nan
    interval = stats.ttest_ind(outcome[own], outcome[~own], equal_var=False).confidence_interval(level)
    return value, interval.low, interval.high


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_memorization_is_the_difference_of_means_with_the_interval_of_welch(level: float) -> None:
    assert memorization.interval
    low, high = memorization.interval(OUTCOME, MEMBER, level=level)
    expected = np.array([peer(OUTCOME[:, i].astype(np.float64), MEMBER[:, i], level) for i in range(EXAMPLES)])
    found = np.stack([memorization(OUTCOME, MEMBER), low, high], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    assert np.isnan(expected).sum(axis=1).tolist() == [3, 2, 3, 0, 0, 0, 0, 0]


def test_influence_is_that_of_each_pair() -> None:
    targets = OUTCOME[:, :3]
    assert influence.interval
    low, high = influence.interval(targets, MEMBER, level=0.8)
    found = np.stack([influence(targets, MEMBER), low, high], axis=2)
    assert found.shape == (EXAMPLES, 3, 3)
    for i in range(EXAMPLES):
        for j in range(3):
            expected = peer(targets[:, j].astype(np.float64), MEMBER[:, i], 0.8)
            np.testing.assert_allclose(found[i, j], expected, rtol=1e-6, atol=1e-8)


def test_c_score_is_the_mean_of_held_out_runs_with_the_interval_of_student() -> None:
    assert c_score.interval
    low, high = c_score.interval(OUTCOME, MEMBER, level=0.9)
    value = c_score(OUTCOME, MEMBER)
    assert np.isnan([value[0], low[0], high[0]]).all()
    for i in range(1, EXAMPLES):
        outside = OUTCOME[~MEMBER[:, i], i].astype(np.float64)
        expected = stats.ttest_1samp(outside, 0).confidence_interval(0.9)
        np.testing.assert_allclose([value[i], low[i], high[i]], [outside.mean(), *expected], rtol=1e-9)


def test_right_or_wrong_as_numbers_has_the_same_value() -> None:
    correct = OUTCOME > 1001
    for each in (memorization, c_score, influence):
        np.testing.assert_allclose(
            each(correct.astype(np.float32), MEMBER), each(correct, MEMBER), rtol=1e-12, atol=1e-12
        )
