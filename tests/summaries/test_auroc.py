"""AUROC and its interval against pairs, placements by the loop, closed forms, and the null."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import auroc
from byrote.summaries.auroc import area


def _gaussian(seed: int, distance: float, members: int, others: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    positive = np.arange(members + others) < members
    return np.random.default_rng(seed).normal(size=members + others) + distance * positive, positive


def _pairs(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return, for each positive x negative, whether the positive ranks above: 1, .5 or 0."""
    a, b = values[positive][:, None], values[~positive][None]
    return (a > b) + 0.5 * (a == b)


def _newcombe(area: float, m: int, n: int) -> tuple[float, float]:
    """The areas within 1.645 of their own standard errors, on a grid."""
    t, number = np.linspace(1e-5, 1 - 1e-5, 200_001), (m + n) / 2 - 1
    variance = t * (1 - t) / (m * n) * (1 + number * (1 - t) / (2 - t) + number * t / (1 + t))
    near = t[np.abs(area - t) <= stats.norm.ppf(0.95) * np.sqrt(variance)]
    return near[0], near[-1]


@pytest.mark.parametrize("seed", range(5))
def test_equals_all_pairs_with_ties_and_the_wider_of_two_intervals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, positive = rng.integers(6, size=60).astype(float), rng.random(60) < 0.4
    values[:3] = np.inf
    wins = _pairs(values, positive)
    area = wins.mean()
    apart = [np.var(wins.mean(axis), ddof=1) / wins.shape[1 - axis] for axis in (1, 0)]
    freedom = sum(apart) ** 2 / sum(v**2 / (k - 1) for v, k in zip(apart, wins.shape, strict=True))
    half = stats.t.ppf(0.95, freedom) * np.sqrt(sum(apart)) / (area * (1 - area))
    odds = np.log(area / (1 - area)) + half * np.array([-1, 1])
    low, high = 1 / (1 + np.exp(-odds))
    other_low, other_high = _newcombe(area, *wins.shape)
    measured = auroc(values, positive)
    assert measured.value == pytest.approx(area)
    assert measured.low == pytest.approx(min(low, other_low), abs=1e-5)
    assert measured.high == pytest.approx(max(high, other_high), abs=1e-5)
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


@pytest.mark.parametrize(
    ("area", "members", "others"),
    [(0.5, 40, 60), (0.86, 40, 60), (0.5, 10, 400), (0.7, 20, 400), (0.9, 20, 400), (0.98, 20, 400)],
)
def test_the_interval_covers(area: float, members: int, others: int) -> None:
    """600 samples: standard error .012. DeLong's alone holds .98 in .79 of samples of 20 positives."""
    distance = np.sqrt(2) * stats.norm.ppf(area)
    estimates = [auroc(*_gaussian(seed, distance, members, others)) for seed in range(600)]
    assert 0.87 < np.mean([e.low <= area <= e.high for e in estimates]) < 0.99


@pytest.mark.slow
def test_runs_and_examples_are_clusters() -> None:
    """A fifth of the examples leak in every run: 300 tables of 16 x 200, a standard error of .017."""
    rng = np.random.default_rng(5)
    held, flat = 0, 0
    truth = 0.8 * 0.5 + 0.2 * stats.norm.cdf(5 / 2)
    for _ in range(300):
        member = rng.random((16, 200)).argsort(axis=0) < 8
        values = rng.normal(size=(16, 200)) + rng.normal(size=200) + 5 * (rng.random(200) < 0.2) * member
        two_way, one_way = auroc(values, member), auroc(values.ravel(), member.ravel())
        assert (two_way.value, two_way.n, one_way.n) == (one_way.value, 200, 3200)
        held += two_way.low <= truth <= two_way.high
        flat += one_way.low <= truth <= one_way.high
    assert 0.86 < held / 300 < 0.96
    assert flat / 300 < 0.8


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


@pytest.mark.parametrize("digits", [0, 12])
def test_the_area_alone_is_the_share_of_pairs(digits: int) -> None:
    rng = np.random.default_rng(3)
    values, member = np.round(rng.normal(size=60), digits), rng.random(60) < 0.4
    values[:4] = -np.inf, -np.inf, np.inf, 0
    of_member, of_other = values[member][:, None], values[~member]
    expected = np.where(of_member == of_other, 0.5, of_member > of_other).mean()
    assert area(values, member) == pytest.approx(expected)
    assert auroc(values, member).value == pytest.approx(expected)
    with pytest.raises(Unsupported, match="needs positives and negatives"):
        area(values, np.zeros(60, np.bool_))


def test_nan_and_empty_sides_are_refused() -> None:
    values, positive = np.array([np.nan, 1.0, 2.0]), np.array([True, True, False])
    with pytest.raises(Unsupported, match=r"1 of the 3 values.*Leave"):
        auroc(values, positive)
    with pytest.raises(Unsupported, match=r"given 2 and 0.*Add examples"):
        auroc(np.array([1.0, 2.0]), np.array([True, True]))
