"""Memorization, influence and C-score of numbers, such as r2, against SciPy one example at a time."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.scores import c_score, influence, memorization

RUNS, EXAMPLES = 15, 8


def made() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    rng = np.random.default_rng(5)
    member = rng.random((RUNS, EXAMPLES)) < 0.6
    member[:, 0], member[:, 1] = True, np.arange(RUNS) == 0
    outcome = rng.normal(1000, 1 + np.arange(EXAMPLES), (RUNS, EXAMPLES)) + 3 * member
    return outcome.astype(np.float32), member


def peer(outcome: NDArray[np.float64], own: NDArray[np.bool_], level: float) -> tuple[float, float, float]:
    """Return the difference of means and its interval; NaN where SciPy has none."""
    if own.all() or not own.any():
        return np.nan, np.nan, np.nan
    value = outcome[own].mean() - outcome[~own].mean()
    if min(own.sum(), (~own).sum()) < 2:
        return value, np.nan, np.nan
    interval = stats.ttest_ind(outcome[own], outcome[~own], equal_var=False).confidence_interval(level)
    return value, interval.low, interval.high


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_memorization_is_a_difference_of_means_with_welchs_interval(level: float) -> None:
    outcome, member = made()
    low, high = memorization.interval(outcome, member, level=level)  # pyright: ignore[reportOptionalCall]
    expected = np.array([peer(outcome[:, i].astype(np.float64), member[:, i], level) for i in range(EXAMPLES)])
    np.testing.assert_allclose(
        np.stack([memorization(outcome, member), low, high], axis=1), expected, rtol=1e-7, atol=1e-9
    )
    assert np.isnan(expected[:2]).sum() == 5
    assert not np.isnan(expected[2:]).any()


def test_influence_is_that_of_every_pair() -> None:
    outcome, member = made()
    targets = outcome[:, :3]
    low, high = influence.interval(targets, member, level=0.9)  # pyright: ignore[reportOptionalCall]
    found = np.stack([influence(targets, member), low, high], axis=2)
    for i in range(EXAMPLES):
        for j in range(3):
            expected = peer(targets[:, j].astype(np.float64), member[:, i], 0.9)
            np.testing.assert_allclose(found[i, j], expected, rtol=1e-6, atol=1e-8)


def test_c_score_is_the_mean_of_out_runs_with_students_interval() -> None:
    outcome, member = made()
    low, high = c_score.interval(outcome, member, level=0.9)  # pyright: ignore[reportOptionalCall]
    value = c_score(outcome, member)
    assert np.isnan([value[0], low[0], high[0]]).all()
    for i in range(1, EXAMPLES):
        own = outcome[~member[:, i], i].astype(np.float64)
        expected = stats.t.interval(0.9, len(own) - 1, own.mean(), stats.sem(own))
        np.testing.assert_allclose([value[i], low[i], high[i]], [own.mean(), *expected], rtol=1e-9)


def test_right_or_wrong_as_numbers_has_the_same_value() -> None:
    outcome, member = made()
    correct = outcome > 1001
    for each in (memorization, c_score, influence):
        np.testing.assert_allclose(
            each(correct.astype(np.float32), member), each(correct, member), rtol=1e-12, atol=1e-12
        )
