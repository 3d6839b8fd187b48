"""Scores of outcomes that are numbers, against scipy and plain loops."""

import numpy as np
import pytest
from scipy import stats

from byrote.scores import c_score, influence, memorization

RNG = np.random.default_rng(0)
OUTCOME = RNG.normal(0.5, [1.0, 0.1, 30, 2], (12, 4)).astype(np.float32)
MEMBER = np.stack([RNG.permutation(12) < k for k in (6, 3, 9, 2)], 1)


def test_memorization_is_the_difference_of_means_with_the_interval_of_welch() -> None:
    assert memorization.interval
    low, high = memorization.interval(OUTCOME, MEMBER, level=0.9)
    for i in range(4):
        x = OUTCOME[:, i].astype(np.float64)
        inside, outside = x[MEMBER[:, i]], x[~MEMBER[:, i]]
        expected = stats.ttest_ind(inside, outside, equal_var=False).confidence_interval(0.9)
        assert memorization(OUTCOME, MEMBER)[i] == pytest.approx(inside.mean() - outside.mean(), rel=1e-12)
        assert (low[i], high[i]) == pytest.approx(tuple(expected), rel=1e-9)


def test_c_score_is_the_mean_of_held_out_runs_with_the_interval_of_student() -> None:
    assert c_score.interval
    low, high = c_score.interval(OUTCOME, MEMBER, level=0.9)
    for i in range(4):
        outside = OUTCOME[~MEMBER[:, i], i].astype(np.float64)
        expected = stats.ttest_1samp(outside, 0).confidence_interval(0.9)
        assert c_score(OUTCOME, MEMBER)[i] == pytest.approx(outside.mean(), rel=1e-12)
        assert (low[i], high[i]) == pytest.approx(tuple(expected), rel=1e-9)


def test_influence_is_the_difference_of_means_of_each_pair_with_the_interval_of_welch() -> None:
    targets = OUTCOME[:, :3]
    value = influence(targets, MEMBER)
    assert influence.interval
    low, high = influence.interval(targets, MEMBER, level=0.8)
    assert value.shape == (4, 3)
    for i in range(4):
        for j in range(3):
            x, m = targets[:, j].astype(np.float64), MEMBER[:, i]
            expected = stats.ttest_ind(x[m], x[~m], equal_var=False).confidence_interval(0.8)
            assert value[i, j] == pytest.approx(x[m].mean() - x[~m].mean(), rel=1e-9)
            assert (low[i, j], high[i, j]) == pytest.approx(tuple(expected), rel=1e-7)


def test_numbers_without_runs_on_a_side_are_nan() -> None:
    member = MEMBER.copy()
    member[:, 0], member[:, 1] = True, False
    assert np.isnan(memorization(OUTCOME, member)[:2]).all()
    assert np.isnan(influence(OUTCOME, member)[:2]).all()
    assert np.isnan(c_score(OUTCOME, member)[0])
