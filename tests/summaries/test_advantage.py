"""Advantage and balanced accuracy against the closed form, a hand count, and noise that must average 0."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.stats.intervals import newcombe
from byrote.summaries import advantage, advantage_at, balanced_accuracy, balanced_accuracy_at


def _gaussian(seed: int, distance: float, members: int, others: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    member = np.arange(members + others) < members
    return np.random.default_rng(seed).normal(size=members + others) + distance * member, member


@pytest.mark.parametrize("distance", [0.5, 1.5])
def test_equals_the_closed_form(distance: float) -> None:
    """Two normals: 2 Phi(d / 2) - 1. 40,000 examples: standard error below .005."""
    measured = advantage(*_gaussian(0, distance, 20_000, 20_000))
    assert measured.value == pytest.approx(2 * stats.norm.cdf(distance / 2) - 1, abs=0.02)
    assert measured.low < 2 * stats.norm.cdf(distance / 2) - 1 < measured.high


def test_noise_averages_zero_where_the_largest_gap_does_not() -> None:
    """1,000 samples of 50 and 50: standard error of the mean .0032."""
    samples = [_gaussian(seed, 0.0, 50, 50) for seed in range(1000)]
    honest = np.array([advantage(*sample).value for sample in samples])
    largest = np.array([stats.ks_2samp(v[m], v[~m], alternative="less").statistic for v, m in samples[:200]])
    assert honest.mean() == pytest.approx(0, abs=0.012)
    assert (honest < 0).mean() > 0.3
    assert largest.mean() > 0.1


def test_the_interval_covers_where_every_threshold_has_the_same_advantage() -> None:
    """Noise: 1,000 samples, standard error .0095. Newcombe's interval is a little wide."""
    estimates = [advantage(*_gaussian(seed, 0.0, 150, 150), seed=seed) for seed in range(1000)]
    assert np.mean([e.low <= 0 <= e.high for e in estimates]) == pytest.approx(0.91, abs=0.035)


def test_a_learned_threshold_is_a_little_worse_than_the_best_and_never_flatters() -> None:
    best = 2 * stats.norm.cdf(0.5) - 1
    estimates = [advantage(*_gaussian(seed, 1.0, 150, 150), seed=seed) for seed in range(1000)]
    assert best - 0.03 < np.mean([e.value for e in estimates]) < best
    assert np.mean([e.low <= best for e in estimates]) > 0.93


def test_at_a_fixed_threshold_it_is_a_difference_of_counts() -> None:
    values, member = np.array([3.0, 1.0, 2.0, 0.0, 2.0]), np.array([True, True, True, False, False])
    measured = advantage_at(values, member, threshold=1.0, level=0.8)
    low, high = newcombe(2, 3, 1, 2, level=0.8)
    assert (measured.value, measured.low, measured.high) == pytest.approx((2 / 3 - 1 / 2, float(low), float(high)))
    assert (measured.n, measured.level) == (5, 0.8)


def test_balanced_accuracy_is_the_mean_of_both_rates() -> None:
    values, member = _gaussian(1, 1.0, 40, 60)
    fixed = balanced_accuracy_at(values, member, threshold=0.3)
    assert fixed.value == pytest.approx(((values[member] > 0.3).mean() + (values[~member] <= 0.3).mean()) / 2)
    free, gain = balanced_accuracy(values, member, seed=3), advantage(values, member, seed=3)
    assert (free.value, free.low, free.high) == pytest.approx(
        tuple((1 + x) / 2 for x in (gain.value, gain.low, gain.high))
    )


def test_separated_values_are_told_apart_and_reversed_ones_are_not_rescued() -> None:
    values, member = np.arange(40.0), np.arange(40) >= 20
    assert advantage(values, member).value > 0.8
    assert advantage(-values, member).value <= 0
    assert advantage(np.zeros(40), member).value == 0
    assert advantage(np.where(member, np.inf, 0.0), member).value == 1


def test_any_increasing_change_of_the_values_leaves_it() -> None:
    values, member = _gaussian(2, 1.0, 30, 40)
    assert advantage(np.exp(values), member) == advantage(values, member)


def test_too_few_and_nan_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"halve 1 members.*at least two of each"):
        advantage(np.arange(5.0), np.arange(5) < 1)
    with pytest.raises(Unsupported, match=r"given 5 and 0.*missing kind"):
        advantage_at(np.arange(5.0), np.ones(5, bool), threshold=0.0)
    with pytest.raises(Unsupported, match=r"1 of the 4 values.*Leave"):
        balanced_accuracy(np.array([np.nan, 0, 1, 2]), np.arange(4) < 2)
