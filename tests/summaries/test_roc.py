"""The ROC against a loop over thresholds, the closed form, and the simultaneous coverage of its band."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import Roc, roc, tpr_at_fpr


def _gaussian(seed: int, distance: float, members: int, others: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    member = np.arange(members + others) < members
    return np.random.default_rng(seed).normal(size=members + others) + distance * member, member


def _covers(curve: Roc, distance: float) -> bool:
    truth = stats.norm.sf(stats.norm.isf(curve.fpr) - distance)
    return bool(np.all((curve.low <= truth + 1e-12) & (truth <= curve.high + 1e-12)))


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_loop_over_thresholds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, positive = rng.integers(8, size=60).astype(float), rng.random(60) < 0.4
    values[:2] = np.inf
    curve = roc(values, positive)
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    for fpr, tpr, threshold in zip(curve.fpr[:-1], curve.tpr[:-1], curve.threshold[:-1], strict=True):
        assert (fpr, tpr) == pytest.approx(
            ((values[~positive] > threshold).mean(), (values[positive] > threshold).mean())
        )
    assert len(curve.fpr) == len(np.unique(values)) + 1
    assert np.all(np.diff(curve.threshold) < 0)


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.0])
def test_equals_the_closed_form(distance: float) -> None:
    """TPR at a = Phi(d - Phi^-1(1 - a)); 20,000 of each: .012 is 3 standard errors of either rate."""
    curve = roc(*_gaussian(0, distance, 20_000, 20_000))
    for rate in (0.01, 0.1, 0.5):
        at = np.searchsorted(curve.fpr, rate, side="right") - 1
        assert curve.tpr[at] == pytest.approx(stats.norm.sf(stats.norm.isf(rate) - distance), abs=0.025)


def test_agrees_with_the_rate_at_a_rate() -> None:
    values, positive = _gaussian(1, 1.0, 300, 500)
    curve, point = roc(values, positive), tpr_at_fpr(values, positive, fpr=0.02)
    at = np.flatnonzero(curve.fpr <= 0.02 + 1e-12)[-1]
    assert (curve.tpr[at], curve.fpr[at]) == pytest.approx((point.tpr.value, point.fpr_realised.value))


@pytest.mark.parametrize(("distance", "members", "others"), [(0.0, 200, 300), (1.0, 200, 300), (1.5, 30, 1000)])
def test_the_band_holds_the_whole_curve_at_once(distance: float, members: int, others: int) -> None:
    """600 samples: standard error .012. It is conservative, since both rates are enclosed and the curve needs less."""
    held = np.mean([_covers(roc(*_gaussian(seed, distance, members, others)), distance) for seed in range(600)])
    assert held > 0.87


def test_the_band_is_not_idle() -> None:
    """At a rate of 1 % with 10,000 of each, the truth is .092; Kolmogorov and Smirnov's band of constant width is 0 to .18."""
    curve = roc(*_gaussian(2, 1.0, 10_000, 10_000))
    at = np.searchsorted(curve.fpr, 0.01)
    assert curve.low[at] > 0.05
    assert curve.high[at] < 0.15
    assert np.all(curve.low <= curve.tpr)
    assert np.all(curve.tpr <= curve.high)
    assert np.all(np.diff(curve.low) >= 0)
    assert np.all(np.diff(curve.high) >= 0)
    wider = roc(*_gaussian(2, 1.0, 10_000, 10_000), level=0.99)
    assert np.all(wider.low <= curve.low)
    assert np.any(wider.high > curve.high)


def test_nothing_accused_is_not_nothing_found() -> None:
    curve = roc(np.where(np.arange(40) < 20, 1.0, 0.0), np.arange(40) < 20)
    assert (curve.tpr[0], curve.high[0]) == (0, 1)
    assert curve.tpr[1] == 1
    assert 0.7 < curve.low[-1] < 1
    assert curve.low[1] == 0


def test_any_increasing_change_of_the_values_leaves_the_rates() -> None:
    values, positive = _gaussian(3, 1.0, 30, 40)
    one, other = roc(values, positive), roc(np.exp(values), positive)
    for name in ("fpr", "tpr", "low", "high"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_one_of_each_and_ties_have_a_curve() -> None:
    for values in (np.array([0.0, 1.0]), np.zeros(2), np.array([-np.inf, np.inf])):
        curve = roc(values, np.array([False, True]))
        assert (curve.fpr[-1], curve.tpr[-1], curve.low[0]) == (1, 1, 0)


def test_nan_and_empty_sides_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"1 of the 2 values.*Leave"):
        roc(np.array([np.nan, 1.0]), np.array([True, False]))
    with pytest.raises(Unsupported, match=r"given 0 and 2.*missing kind"):
        roc(np.zeros(2), np.zeros(2, bool))


@pytest.mark.slow
def test_runs_and_examples_are_clusters() -> None:
    """A fifth of the examples leak in every run: 40 tables of 64 x 100."""
    rng = np.random.default_rng(7)
    held, flat = 0, 0
    for _ in range(40):
        member = rng.random((64, 100)).argsort(axis=0) < 32
        values = rng.normal(size=(64, 100)) + 5 * (rng.random(100) < 0.2) * member
        for curve in (two_way := roc(values, member), one_way := roc(values.ravel(), member.ravel())):
            truth = 0.2 * stats.norm.sf(stats.norm.isf(curve.fpr) - 5) + 0.8 * curve.fpr
            inside = bool(np.all((curve.low <= truth + 1e-12) & (truth <= curve.high + 1e-12)))
            held, flat = held + (inside and curve is two_way), flat + (inside and curve is one_way)
        np.testing.assert_array_equal(two_way.tpr, one_way.tpr)
    assert held / 40 > 0.85
    assert flat / 40 < 0.7
