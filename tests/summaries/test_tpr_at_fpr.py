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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("negatives", "fpr", "least", "most"),
    [(100, 0.1, 0.86, 0.97), (1000, 0.1, 0.86, 0.95), (1000, 0.01, 0.86, 0.96), (1000, 0.001, 0.92, 1.0)],
)
@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
def test_the_interval_covers_the_rate_at_the_true_threshold(
    negatives: int, fpr: float, least: float, most: float, distance: float
) -> None:
    """300 samples: standard error .017. With the threshold as given, it holds .2 to .5 at the lower rates."""
    rng = np.random.default_rng(1)
    positive = np.arange(2 * negatives) < negatives
    truth = stats.norm.sf(stats.norm.isf(fpr) - distance)
    points = [tpr_at_fpr(rng.normal(size=2 * negatives) + distance * positive, positive, fpr=fpr) for _ in range(300)]
    assert all(point.tpr.low <= point.tpr.value <= point.tpr.high for point in points)
    assert least <= np.mean([point.tpr.low <= truth <= point.tpr.high for point in points]) <= most
    inside = [p.fpr_realised.low <= stats.norm.sf(p.threshold) <= p.fpr_realised.high for p in points]
    assert np.mean(inside) > 0.86


def test_its_ends_are_those_of_the_mixture_drawn_at_random() -> None:
    """A threshold by a binomial number of negatives, then a rate between Clopper & Pearson's: 200,000 times."""
    rng = np.random.default_rng(4)
    values, positive = rng.normal(size=300) + (np.arange(300) < 100), np.arange(300) < 100
    members, others = values[positive], np.append(np.sort(values[~positive])[::-1], -np.inf)
    number = rng.binomial(200, 0.05, 200_000)
    less = rng.random(200_000) < 0.5
    between = np.where(less, np.append(np.inf, others)[number], others[number])
    count = (members[None] > np.append(np.inf, others)[:40, None]).sum(1)[
        np.searchsorted(-np.append(np.inf, others), -between)
    ]
    drawn = np.where(
        less, rng.beta(np.maximum(count, 1e-9), 101 - count), rng.beta(count + 1, np.maximum(100 - count, 1e-9))
    )
    point = tpr_at_fpr(values, positive, fpr=0.05)
    assert (point.tpr.low, point.tpr.high) == pytest.approx(np.quantile(drawn, [0.05, 0.95]), abs=0.004)


def test_chance_is_what_an_attack_without_information_finds() -> None:
    """400 samples of 100 negatives at a rate of .01, one above the threshold: 2 / 101, standard error .0012."""
    rng = np.random.default_rng(6)
    positive = np.arange(200) < 100
    points = [tpr_at_fpr(rng.normal(size=200), positive, fpr=0.01) for _ in range(400)]
    assert {point.chance for point in points} == {2 / 101}
    assert np.mean([point.tpr.value for point in points]) == pytest.approx(2 / 101, abs=0.004)


@pytest.mark.slow
def test_runs_and_examples_are_clusters() -> None:
    """A tenth of the examples leak in every run: 200 tables of 16 x 200 hold the rate for new examples; flat they do not."""
    rng = np.random.default_rng(5)
    truth = 0.1 * stats.norm.sf(stats.norm.isf(0.1) - 5) + 0.9 * 0.1
    held, flat = 0, 0
    for _ in range(200):
        member = rng.random((16, 200)).argsort(axis=0) < 8
        values = rng.normal(size=(16, 200)) + 5 * (rng.random(200) < 0.1) * member
        held += (two_way := tpr_at_fpr(values, member, fpr=0.1).tpr).low <= truth <= two_way.high
        flat += (one_way := tpr_at_fpr(values.ravel(), member.ravel(), fpr=0.1).tpr).low <= truth <= one_way.high
    assert 0.84 < held / 200 < 0.97
    assert flat / 200 < 0.75


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
