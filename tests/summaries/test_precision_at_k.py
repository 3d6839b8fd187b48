"""Precision at k against sorting, and against breaking ties in every possible order."""

import itertools

import numpy as np
import pytest
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import precision_at_k


@pytest.mark.parametrize("k", [1, 7, 40])
def test_equals_sorting(k: int) -> None:
    rng = np.random.default_rng(k)
    values, positive = rng.permutation(40) + 0.0, rng.random(40) < 0.5
    measured = precision_at_k(values, positive, k=k)
    assert measured.value == positive[np.argsort(-values)[:k]].mean()
    expected = stats.binomtest(round(measured.value * k), k).proportion_ci(0.9, method="exact")
    assert (measured.low, measured.high) == pytest.approx((expected.low, expected.high))
    assert (measured.n, measured.unit) == (k, "example")


@pytest.mark.parametrize("k", range(1, 7))
def test_ties_count_by_their_mean_over_all_orders(k: int) -> None:
    values = np.array([2.0, 1.0, 1.0, 1.0, 0.0, np.inf])
    positive = np.array([True, True, False, True, False, False])
    orders = [positive[np.lexsort((np.array(order), -values))[:k]].mean() for order in itertools.permutations(range(6))]
    assert precision_at_k(values, positive, k=k).value == pytest.approx(np.mean(orders))


def test_infinity_ranks_first() -> None:
    assert precision_at_k(np.array([5.0, np.inf]), np.array([False, True]), k=1).value == 1


def test_everyone_is_the_base_rate_and_a_perfect_list_has_width() -> None:
    positive = np.array([True, False, False, False])
    assert precision_at_k(np.arange(4.0), positive, k=4).value == 0.25
    perfect = precision_at_k(positive + 0.0, positive, k=1)
    assert perfect.value == perfect.high == 1
    assert perfect.low == pytest.approx(0.05)


@pytest.mark.parametrize("k", [0, 5])
def test_a_list_longer_than_the_sample_is_refused(k: int) -> None:
    with pytest.raises(Unsupported, match=rf"k={k}, .* 4 examples.*from 1 to 4"):
        precision_at_k(np.arange(4.0), np.ones(4, bool), k=k)


def test_nan_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"2 of the 3 values.*Leave"):
        precision_at_k(np.array([np.nan, 1.0, np.nan]), np.ones(3, bool), k=1)
