"""The threshold-sample rule against counting, closed forms of normal AUMs, and the coverage of its interval."""

import numpy as np
import pytest
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import aum_threshold


def test_equals_counting() -> None:
    rng = np.random.default_rng(0)
    aum, sample = rng.normal(size=300), np.arange(300) < 50
    cut = aum_threshold(aum, sample, percentile=60.0)
    ordered = sorted(aum[:50].tolist())
    assert cut.threshold.value == pytest.approx(ordered[29] + 0.4 * (ordered[30] - ordered[29]))
    below = [i for i in range(50, 300) if aum[i] < cut.threshold.value]
    assert np.flatnonzero(cut.below).tolist() == below
    assert cut.share.value == len(below) / 250
    exact = stats.binomtest(len(below), 250).proportion_ci(0.9)
    assert (cut.share.low, cut.share.high) == pytest.approx((exact.low, exact.high))
    assert (cut.threshold.n, cut.threshold.unit) == (50, "threshold sample")
    assert (cut.share.n, cut.share.unit) == (250, "example")


def test_finds_the_mislabeled_and_spares_the_clean() -> None:
    """Mislabeled ~ N(-3, 1) like the samples, clean ones ~ N(3, 1): the 99th percentile is at -.67."""
    rng = np.random.default_rng(0)
    wrong = np.arange(5000) < 500
    aum = np.concatenate([rng.normal(-3, 1, 1000), rng.normal(np.where(wrong, -3, 3), 1)])
    sample = np.arange(6000) < 1000
    cut = aum_threshold(aum, sample)
    assert cut.threshold.value == pytest.approx(-3 + stats.norm.ppf(0.99), abs=0.15)
    found = cut.below[1000:]
    assert found[wrong].mean() > 0.97
    assert found[~wrong].mean() < 0.001
    assert not cut.below[:1000].any()
    assert cut.share.low < 0.1 < cut.share.high


@pytest.mark.slow
@pytest.mark.parametrize(("n", "percentile"), [(40, 50.0), (400, 90.0)])
def test_the_interval_of_the_threshold_covers(n: int, percentile: float) -> None:
    """It is conservative, since order statistics are few: at least .9 of 2,000, less three errors of .007."""
    rng = np.random.default_rng(0)
    truth, hits = stats.norm.ppf(percentile / 100), []
    for _ in range(2000):
        cut = aum_threshold(np.append(rng.normal(size=n), 0.0), np.arange(n + 1) < n, percentile=percentile)
        hits.append(cut.threshold.low <= truth <= cut.threshold.high)
    assert 0.88 < np.mean(hits) < 0.96


def test_few_samples_cannot_bound_a_high_percentile() -> None:
    rng = np.random.default_rng(0)
    few, many = (aum_threshold(rng.normal(size=n + 1), np.arange(n + 1) < n).threshold for n in (100, 1000))
    assert few.high == np.inf
    assert np.isfinite(many.high)
    alone = aum_threshold(np.array([1.0, 2.0]), np.array([True, False])).threshold
    assert (alone.value, alone.low, alone.high) == (1, 1, np.inf)
    two = aum_threshold(np.array([1.0, 2.0, 0.0]), np.array([True, True, False])).threshold
    assert two.low <= two.value == pytest.approx(1.99)


def test_scale_and_order_do_not_matter_and_ties_are_not_below() -> None:
    rng = np.random.default_rng(0)
    aum, sample = rng.normal(size=200), rng.random(200) < 0.3
    cut, order = aum_threshold(aum, sample), rng.permutation(200)
    np.testing.assert_array_equal(aum_threshold(aum[order], sample[order]).below, cut.below[order])
    np.testing.assert_array_equal(aum_threshold(5 * aum - 2, sample).below, cut.below)
    tied = aum_threshold(np.zeros(10), np.arange(10) < 5)
    assert not tied.below.any()
    assert tied.share.value == 0 < tied.share.high


def test_infinite_examples_are_judged_and_infinite_samples_refused() -> None:
    sample = np.array([True, True, False, False])
    cut = aum_threshold(np.array([0.0, 1.0, -np.inf, np.inf]), sample)
    assert cut.below.tolist() == [False, False, True, False]
    with pytest.raises(Unsupported, match=r"of 2 .* 1 are infinite.*diverged"):
        aum_threshold(np.array([0.0, np.inf, 1.0, 2.0]), sample)


def test_what_cannot_be_said_is_refused() -> None:
    aum = np.arange(4.0)
    with pytest.raises(Unsupported, match=r"1 of the 4 values.*Leave"):
        aum_threshold(np.array([np.nan, 1, 2, 3]), np.arange(4) < 2)
    for sample, counts in ((np.zeros(4, bool), "0 and 4"), (np.ones(4, bool), "4 and 0")):
        with pytest.raises(Unsupported, match=rf"given {counts}\..*kind mislabeled"):
            aum_threshold(aum, sample)
    with pytest.raises(Unsupported, match=r"101\.0.*from 0 to 100"):
        aum_threshold(aum, np.arange(4) < 2, percentile=101.0)
