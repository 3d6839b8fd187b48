"""TPR at a low FPR against trying every threshold, closed forms, and the rates it refuses."""

import re

import numpy as np
import pytest
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import tpr_at_fpr


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fpr", [0.02, 0.1, 0.29, 0.5])
def test_equals_trying_every_threshold(seed: int, fpr: float) -> None:
    rng = np.random.default_rng(seed)
    values, positive = rng.integers(30, size=220) + 0.0, np.arange(220) < 120
    values[::40] = np.inf
    best = (0.0, 0.0)
    for threshold in np.append(np.unique(values), -np.inf):
        realised = (values[~positive] > threshold).mean()
        if realised <= fpr:
            best = max(best, (realised, (values[positive] > threshold).mean()))
    point = tpr_at_fpr(values, positive, fpr=fpr)
    assert (point.fpr_realised.value, point.tpr.value) == best
    assert ((values > point.threshold) & ~positive).sum() == round(best[0] * 100)
    assert point.fpr_limit == fpr
    assert (point.tpr.n, point.fpr_realised.n) == (120, 100)


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("fpr", [0.001, 0.01, 0.1])
def test_equals_the_closed_form(distance: float, fpr: float) -> None:
    """Two normals: Phi(d - Phi^-1(1 - a)). The threshold and the rate are each within 4.5 standard errors."""
    positive = np.arange(200_000) < 100_000
    values = np.random.default_rng(0).normal(size=200_000) + distance * positive
    boundary = stats.norm.isf(fpr)
    truth = stats.norm.sf(boundary - distance)
    slope = stats.norm.pdf(boundary - distance) / stats.norm.pdf(boundary)
    error = np.sqrt((truth * (1 - truth) + slope**2 * fpr * (1 - fpr)) / 100_000)
    point = tpr_at_fpr(values, positive, fpr=fpr)
    assert point.tpr.value == pytest.approx(truth, abs=4.5 * error)
    assert point.fpr_realised.value == fpr


def test_the_interval_covers_the_rate_at_the_threshold_it_reports() -> None:
    """500 samples of 300 members cover in .91 and .92: standard error .013, false alarm 1 in 1,000."""
    rng = np.random.default_rng(1)
    positive = np.arange(600) < 300
    tpr_hits, fpr_hits = [], []
    for _ in range(500):
        point = tpr_at_fpr(rng.normal(size=600) + positive, positive, fpr=0.05)
        tpr_hits.append(point.tpr.low <= stats.norm.sf(point.threshold - 1) <= point.tpr.high)
        fpr_hits.append(point.fpr_realised.low <= stats.norm.sf(point.threshold) <= point.fpr_realised.high)
    assert 0.86 < np.mean(tpr_hits) < 0.98
    assert 0.86 < np.mean(fpr_hits) < 0.98


def test_at_chance_it_finds_what_it_accuses() -> None:
    """Shuffled membership, 300 times: the mean TPR is the FPR, standard error .001."""
    rng = np.random.default_rng(2)
    values, positive = rng.normal(size=400), np.arange(400) < 200
    found = [tpr_at_fpr(values, rng.permutation(positive), fpr=0.05).tpr.value for _ in range(300)]
    assert np.mean(found) == pytest.approx(0.05, abs=0.006)


def test_a_high_value_says_positive() -> None:
    losses, positive = np.array([0.1, 0.2, 3.0, 4.0]), np.array([True, True, False, False])
    assert tpr_at_fpr(-losses, positive, fpr=0.5).tpr.value == 1
    assert tpr_at_fpr(losses, positive, fpr=0.5).tpr.value == 0


def test_ties_realise_a_lower_rate_and_say_so() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 1.0])
    point = tpr_at_fpr(values, np.array([False] * 4 + [True] * 2), fpr=0.5)
    assert (point.fpr_realised.value, point.tpr.value) == (0, 0)
    assert point.fpr_realised.high > 0.5


def test_a_rate_below_one_negative_is_refused() -> None:
    positive = np.arange(1000) < 500
    with pytest.raises(
        Unsupported,
        match=r"0\.001.* 500 negatives.*at least 1000",
    ):
        tpr_at_fpr(np.arange(1000.0), positive, fpr=0.001)
    assert tpr_at_fpr(np.arange(1500.0), np.arange(1500) < 500, fpr=0.001).fpr_realised.value == 0.001


@pytest.mark.parametrize("fpr", [0.0, 1.0, -0.1, 7.0])
def test_a_rate_that_is_none_is_refused(fpr: float) -> None:
    with pytest.raises(Unsupported, match=rf"{re.escape(str(fpr))}.*between 0 and 1"):
        tpr_at_fpr(np.arange(10.0), np.arange(10) < 5, fpr=fpr)


def test_nan_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"1 of the 2 values.*Leave"):
        tpr_at_fpr(np.array([np.nan, 1.0]), np.array([True, False]), fpr=0.5)
