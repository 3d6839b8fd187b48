"""Rank correlation and overlap of tops against SciPy, all orders of ties, and coverage."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import spearman, top_overlap
from byrote.summaries.agreement import correlation_of_ranks


def _correlated(seed: int, rho: float, n: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=n).T


@pytest.mark.parametrize("seed", range(5))
def test_spearman_equals_scipy_with_ties_and_infinities(seed: int) -> None:
    a, b = np.random.default_rng(seed).integers(8, size=(2, 40)) + 0.0
    a[:4] = np.inf
    measured = spearman(a, b)
    assert measured.value == pytest.approx(stats.spearmanr(np.where(np.isinf(a), 9, a), b).statistic)
    assert (measured.n, measured.unit) == (40, "example")


def test_spearman_leaves_out_nan_and_counts_the_rest() -> None:
    a, b = _correlated(0, 0.5, 30)
    a[3] = b[7] = b[8] = np.nan
    kept = np.setdiff1d(np.arange(30), [3, 7, 8])
    assert spearman(a, b) == spearman(a[kept], b[kept])
    assert spearman(a, b).n == 27


def test_spearman_is_symmetric_and_turns_with_either_side() -> None:
    a, b = _correlated(1, 0.5, 30)
    assert spearman(a, b) == spearman(b, a)
    turned = spearman(-np.exp(a), b)
    assert (turned.value, turned.low, turned.high) == pytest.approx(
        (-spearman(a, b).value, -spearman(a, b).high, -spearman(a, b).low)
    )


def test_spearman_of_itself_is_one_with_some_doubt_and_of_a_constant_undefined() -> None:
    a = np.arange(12.0)
    assert spearman(a, a).value == pytest.approx(1)
    assert spearman(a, a).low < 1
    assert np.isnan(spearman(a, np.zeros(12)).value)
    assert np.isnan(spearman(a[:3], a[:3]).low)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_spearman_covers(rho: float) -> None:
    """1,000 samples of 50 normal pairs, whose rank correlation is 6/pi asin(rho/2): standard error .0095."""
    truth = 6 / np.pi * np.arcsin(rho / 2)
    estimates = [spearman(*_correlated(seed, rho, 50)) for seed in range(1000)]
    assert np.mean([e.low <= truth <= e.high for e in estimates]) == pytest.approx(0.9, abs=0.035)


@pytest.mark.parametrize("k", [1, 5, 30])
def test_overlap_equals_sets(k: int) -> None:
    a, b = _correlated(2, 0.5, 30)
    shared = set(np.argsort(-a)[:k]) & set(np.argsort(-b)[:k])
    measured = top_overlap(a, b, k=k)
    assert measured.value == pytest.approx(len(shared) / k)
    assert measured.n == k
    assert measured.low < measured.high
    assert measured == top_overlap(b, a, k=k)


@pytest.mark.parametrize("k", range(1, 6))
def test_ties_count_by_their_mean_over_all_orders(k: int) -> None:
    a, b = np.array([1.0, 1.0, 0.0, 2.0, 1.0]), np.array([3.0, 3.0, 3.0, np.inf, 0.0])
    orders = [np.array(order) for order in itertools.permutations(range(5))]
    tops_a = [np.isin(np.arange(5), np.lexsort((order, -a))[:k]) for order in orders]
    tops_b = [np.isin(np.arange(5), np.lexsort((order, -b))[:k]) for order in orders]
    expected = np.mean(tops_a, axis=0) @ np.mean(tops_b, axis=0) / k
    assert top_overlap(a, b, k=k).value == pytest.approx(expected)


def test_overlap_leaves_out_nan() -> None:
    a, b = np.array([np.nan, 3.0, 2.0, 1.0]), np.array([9.0, 3.0, 2.0, 1.0])
    assert top_overlap(a, b, k=2).value == 1
    with pytest.raises(Unsupported, match=r"k=4.*3 of 4.*from 1 to 3"):
        top_overlap(a, b, k=4)
    with pytest.raises(Unsupported, match=r"k=0.*from 1 to 3"):
        top_overlap(a, b, k=0)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_overlap_covers_at_least_as_often_as_it_says(rho: float) -> None:
    """It is conservative: over 500 samples the top 50 of 500 cover in .93 to .97 (error .01)."""
    first, second = _correlated(99, rho, 400_000)
    truth = top_overlap(first, second, k=40_000).value
    estimates = [top_overlap(*_correlated(seed, rho, 500), k=50) for seed in range(500)]
    assert 0.89 < np.mean([e.low <= truth <= e.high for e in estimates]) < 0.995


def test_of_ranks_it_is_the_same() -> None:
    a, b = np.random.default_rng(0).integers(0, 9, (2, 50)).astype(float)
    assert correlation_of_ranks(stats.rankdata(a), stats.rankdata(b), level=0.8) == spearman(a, b, level=0.8)
