"""Rank-sum p-values against scipy, and calibrated at the null."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from byrote.summaries._rank_sum import rank_sum_p_values
from byrote.summaries.memorized_at_fdr import memorized_at_fdr


@pytest.mark.parametrize(("in_runs", "out_runs"), [(1, 1), (1, 4), (5, 3), (10, 10), (20, 7), (40, 40)])
def test_without_ties_it_is_exact(in_runs: int, out_runs: int) -> None:
    rng = np.random.default_rng(in_runs)
    outcome = rng.normal(size=(in_runs + out_runs, 12))
    member = np.zeros(outcome.shape, np.bool_)
    for column in member.T:
        column[rng.permutation(len(column))[:in_runs]] = True
    outcome += member * np.linspace(-1, 6, 12)  # from harm to certain, which has the smallest p-value there is
    expected = [
        stats.mannwhitneyu(x[m], x[~m], method="exact", alternative="greater").pvalue
        for x, m in zip(outcome.T, member.T, strict=True)
    ]
    np.testing.assert_allclose(rank_sum_p_values(outcome, member), expected, rtol=1e-9)


def test_the_smallest_p_value_of_many_runs_is_exact() -> None:
    outcome, member = np.arange(200.0)[:, None], np.arange(200)[:, None] >= 100
    assert rank_sum_p_values(outcome, member)[0] == pytest.approx(
        1 / float(stats.binom(200, 0.5).pmf(100) * 2.0**200), rel=1e-9
    )


def test_with_ties_it_is_the_share_of_all_draws() -> None:
    """Counted: every choice of OUT runs, with mid-ranks."""
    rng = np.random.default_rng(0)
    outcome, member = rng.integers(0, 4, (9, 30)).astype(float), np.arange(9)[:, None] < np.full(30, 6)
    ranks = stats.rankdata(outcome, axis=0)
    draws = [list(draw) for draw in combinations(range(9), 6)]
    sums = np.stack([ranks[draw].sum(axis=0) for draw in draws])
    expected = (sums >= ranks[:6].sum(axis=0) - 1e-9).mean(axis=0)
    np.testing.assert_allclose(rank_sum_p_values(outcome, member), expected, rtol=1e-12)


def test_beyond_what_can_be_counted_it_is_the_normal_approximation_of_scipy() -> None:
    rng = np.random.default_rng(0)
    outcome, member = rng.integers(0, 4, (300, 5)).astype(float), rng.random((300, 5)) < 0.5
    expected = [
        stats.mannwhitneyu(x[m], x[~m], method="asymptotic", alternative="greater").pvalue
        for x, m in zip(outcome.T, member.T, strict=True)
    ]
    np.testing.assert_allclose(rank_sum_p_values(outcome, member), expected, rtol=1e-9)


@pytest.mark.parametrize("right", [0.9, 0.98])
@pytest.mark.parametrize(("in_runs", "out_runs"), [(18, 2), (9, 1), (14, 6)])
def test_lists_are_honest_where_nearly_all_outcomes_are_equal(in_runs: int, out_runs: int, right: float) -> None:
    """The share of three labels right, nothing memorized: a normal approximation lists something nearly always."""
    rng, n, listed = np.random.default_rng(0), in_runs + out_runs, 0
    for _ in range(40):
        outcome = rng.binomial(3, right, (n, 200)) / 3
        member = rng.permuted(np.repeat([True, False], [in_runs, out_runs])[:, None] & np.ones(200, np.bool_), axis=0)
        found = memorized_at_fdr(outcome, member, fdr=0.1)
        assert (found.p_value <= 0.05).mean() <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)
        listed += bool(found.listed.any())
    assert listed <= 10  # of 40 at 10 %: four expected at most, ten are five deviations away


@pytest.mark.parametrize("values", [3, 4, 1000], ids=["many ties", "ties", "no ties"])
def test_is_calibrated_when_nothing_is_memorized(values: int) -> None:
    rng = np.random.default_rng(values)
    outcome = rng.integers(0, values, (24, 4000)) / values + (0 if values < 10 else rng.random((24, 4000)) / 1e6)
    member = rng.permuted(np.repeat([True, False], 12)[:, None] & np.ones(4000, np.bool_), axis=0)
    p = memorized_at_fdr(outcome, member).p_value
    for level in (0.05, 0.2):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / 4000)


def test_what_does_not_vary_or_was_not_drawn_lists_nothing() -> None:
    outcome = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])
    member = np.array([[True, True, True], [False, True, False], [True, True, True]])
    p = rank_sum_p_values(outcome, member)
    assert p[0] == 1
    assert np.isnan(p[1:]).all()
