"""AUROC and its interval against pairs, placements by the loop, closed forms, and the null."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import auroc


def _gaussian(seed: int, distance: float, members: int, others: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    positive = np.arange(members + others) < members
    return np.random.default_rng(seed).normal(size=members + others) + distance * positive, positive


def _pairs(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return, for each positive x negative, whether the positive ranks above: 1, .5 or 0."""
    a, b = values[positive][:, None], values[~positive][None]
    return (a > b) + 0.5 * (a == b)


@pytest.mark.parametrize("seed", range(5))
def test_equals_all_pairs_with_ties_and_delongs_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, positive = rng.integers(6, size=60).astype(float), rng.random(60) < 0.4
    values[:3] = np.inf
    wins = _pairs(values, positive)
    area = wins.mean()
    variance = np.var(wins.mean(1), ddof=1) / wins.shape[0] + np.var(wins.mean(0), ddof=1) / wins.shape[1]
    half = stats.norm.ppf(0.95) * np.sqrt(variance) / (area * (1 - area))
    measured = auroc(values, positive)
    assert measured.value == pytest.approx(area)
    for end, sign in ((measured.low, -1), (measured.high, 1)):
        assert np.log(end / (1 - end)) == pytest.approx(np.log(area / (1 - area)) + sign * half)
    assert (measured.n, measured.unit) == (60, "example")


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.5])
def test_equals_the_closed_form(distance: float) -> None:
    """Two normals: Phi(d / sqrt 2). 40,000 examples: standard error below .003, so .012 is 4 of them."""
    measured = auroc(*_gaussian(0, distance, 20_000, 20_000))
    assert measured.value == pytest.approx(stats.norm.cdf(distance / np.sqrt(2)), abs=0.012)


def test_any_increasing_change_of_the_values_leaves_it_and_a_negation_mirrors_it() -> None:
    values, positive = _gaussian(1, 1.0, 30, 40)
    measured, mirrored = auroc(values, positive), auroc(-values, positive)
    assert auroc(np.exp(values), positive) == measured
    assert (mirrored.value, mirrored.low, mirrored.high) == pytest.approx(
        (1 - measured.value, 1 - measured.high, 1 - measured.low)
    )


@pytest.mark.parametrize(("distance", "members", "others"), [(0.0, 40, 60), (1.5, 40, 60), (0.0, 10, 400)])
def test_the_interval_covers(distance: float, members: int, others: int) -> None:
    """1,500 samples: standard error .008, so +-.03 is a false alarm once in 5,000."""
    truth = stats.norm.cdf(distance / np.sqrt(2))
    estimates = [auroc(*_gaussian(seed, distance, members, others)) for seed in range(1500)]
    assert np.mean([e.low <= truth <= e.high for e in estimates]) == pytest.approx(0.9, abs=0.03)


def test_shuffled_membership_is_chance() -> None:
    """Fixed values, membership drawn by lot: 1,000 times, standard error .0095."""
    values, positive = _gaussian(2, 1.0, 50, 50)
    rng = np.random.default_rng(3)
    estimates = [auroc(values, rng.permutation(positive)) for _ in range(1000)]
    assert np.mean([e.low <= 0.5 <= e.high for e in estimates]) == pytest.approx(0.9, abs=0.035)


def test_complete_separation_has_the_exact_bound_of_as_many_pairs() -> None:
    values, positive = np.arange(50.0), np.arange(50) >= 30
    measured = auroc(values, positive)
    assert (measured.value, measured.high) == (1, 1)
    assert measured.low == pytest.approx(0.05 ** (1 / 20))
    reversed_ = auroc(-values, positive)
    assert (reversed_.value, reversed_.low) == (0, 0)
    assert reversed_.high == pytest.approx(1 - 0.05 ** (1 / 20))


@pytest.mark.parametrize("positives", [1, 2, 9])
def test_the_interval_never_has_zero_width(positives: int) -> None:
    for values in (np.zeros(10), np.arange(10.0), np.array([np.inf] * 10)):
        measured = auroc(values, np.arange(10) < positives)
        assert 0 <= measured.low <= measured.value <= measured.high <= 1
        assert measured.low < measured.high


def test_nan_and_empty_sides_are_refused() -> None:
    values, positive = np.array([np.nan, 1.0, 2.0]), np.array([True, True, False])
    with pytest.raises(Unsupported, match=r"1 of the 3 values.*Leave"):
        auroc(values, positive)
    with pytest.raises(Unsupported, match=r"given 2 and 0.*Add examples"):
        auroc(np.array([1.0, 2.0]), np.array([True, True]))
