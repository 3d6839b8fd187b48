"""Summaries of several runs: the loop, the closed form, and coverage where the examples of a run go up and down together."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import auroc, over_runs, pooled_tpr_at_fpr, tpr_at_fpr

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def _area(values: Floats, member: Bools) -> float:
    return auroc(values, member).value


def _runs(seed: int, runs: int, examples: int, distance: float, wobble: float = 0.0) -> tuple[Floats, Bools]:
    """Each run has its own distance of members from others: all of its examples share it."""
    rng = np.random.default_rng(seed)
    member = rng.permuted(np.tile(np.arange(examples) < examples // 2, (runs, 1)), axis=1)
    each = distance + wobble * rng.normal(size=(runs, 1))
    return rng.normal(size=(runs, examples)) + each * member, member


def test_equals_the_loop() -> None:
    values, member = _runs(0, 9, 30, 1.0)
    areas = [_area(v, m) for v, m in zip(values, member, strict=True)]
    measured = over_runs(_area, values, member, level=0.8)
    assert measured.value == pytest.approx(np.mean(areas))
    assert (measured.high - measured.low) / 2 == pytest.approx(1.396815 * np.std(areas, ddof=1) / 3)  # t(8), .9
    assert (measured.n, measured.unit, measured.level) == (9, "run", 0.8)


@pytest.mark.slow
def test_covers_where_examples_of_a_run_are_dependent_and_pooling_them_does_not() -> None:
    """250 records of 8 runs, standard error .019. The truth is E Phi(d / sqrt 2) over distances d."""
    truth = float(stats.norm.cdf(1 / np.sqrt(2 + 0.25)))
    held, pooled = [], []
    for seed in range(250):
        values, member = _runs(seed, 8, 200, 1.0, wobble=0.5)
        each, together = over_runs(_area, values, member), auroc(values.ravel(), member.ravel())
        held.append(each.low <= truth <= each.high)
        pooled.append(together.low <= truth <= together.high)
    assert np.mean(held) == pytest.approx(0.9, abs=0.055)
    assert np.mean(pooled) < 0.6


def test_one_run_has_a_value_and_no_interval_and_nan_is_left_out() -> None:
    values, member = _runs(1, 3, 10, 1.0)
    one = over_runs(_area, values[:1], member[:1])
    assert (one.n, one.value, np.isnan(one.low)) == (1, _area(values[0], member[0]), True)
    numbers = iter([0.2, np.nan, 0.4])
    two = over_runs(lambda v, m: next(numbers), values, member)
    assert (two.n, two.value) == (2, pytest.approx(0.3))
    with pytest.raises(Unsupported, match="`values` is empty"):
        over_runs(_area, values[:0], member[:0])


def test_what_a_run_refuses_is_refused() -> None:
    values, member = _runs(2, 2, 10, 1.0)
    with pytest.raises(Unsupported, match=r"given 10 and 0.*missing kind"):
        over_runs(_area, values, np.ones_like(member))


def test_the_pooled_threshold_is_that_of_all_pairs() -> None:
    values, member = _runs(3, 6, 100, 1.0)
    together = tpr_at_fpr(values.ravel(), member.ravel(), fpr=0.01)
    measured = pooled_tpr_at_fpr(values, member, fpr=0.01)
    assert (measured.threshold, measured.tpr.value) == (together.threshold, together.tpr.value)
    assert measured.fpr_realised.value == together.fpr_realised.value == 0.01
    assert (measured.fpr_limit, measured.tpr.n, measured.tpr.unit) == (0.01, 6, "run")


@pytest.mark.parametrize("digits", [1, 9])
def test_the_jackknife_equals_the_loop(digits: int) -> None:
    values, member = _runs(4, 7, 60, 1.0, wobble=0.5)
    values = values.round(digits)
    part = [
        tpr_at_fpr(np.delete(values, r, 0).ravel(), np.delete(member, r, 0).ravel(), fpr=0.05).tpr.value
        for r in range(7)
    ]
    half = stats.t.ppf(0.95, 6) * np.sqrt(6 / 7 * np.sum((part - np.mean(part)) ** 2))
    measured = pooled_tpr_at_fpr(values, member, fpr=0.05).tpr
    assert (measured.low, measured.high) == pytest.approx(
        (max(measured.value - half, 0), min(measured.value + half, 1))
    )


def test_the_pooled_interval_covers() -> None:
    """Mixture over distances: TPR where E over runs of the false-positive rate is .1. 300 records, standard error .017."""
    threshold = stats.norm.isf(0.1)
    truth = float(stats.norm.sf((threshold - 1) / np.sqrt(1 + 0.25)))
    points = [pooled_tpr_at_fpr(*_runs(seed, 10, 200, 1.0, wobble=0.5), fpr=0.1).tpr for seed in range(300)]
    assert np.mean([p.low <= truth <= p.high for p in points]) == pytest.approx(0.9, abs=0.06)


def test_what_the_sample_cannot_support_is_refused() -> None:
    values, member = _runs(5, 2, 100, 1.0)
    with pytest.raises(Unsupported, match=r"0\.001.* 100 non-members.*less than one of them"):
        pooled_tpr_at_fpr(values, member, fpr=0.001)
    with pytest.raises(Unsupported, match=r"0\.01.* 50 non-members.*less than one of them"):
        pooled_tpr_at_fpr(values, member, fpr=0.01)
    with pytest.raises(Unsupported, match=r"given 1 runs.*tpr_at_fpr"):
        pooled_tpr_at_fpr(values[:1], member[:1], fpr=0.1)
    with pytest.raises(Unsupported, match=r"200 of the 200 values.*Leave"):
        pooled_tpr_at_fpr(np.full_like(values, np.nan), member, fpr=0.1)
    with pytest.raises(Unsupported, match=r"given 200 and 0.*missing kind"):
        pooled_tpr_at_fpr(values, np.ones_like(member), fpr=0.1)
    with pytest.raises(Unsupported, match=r"1\.5.*between 0 and 1"):
        pooled_tpr_at_fpr(values, member, fpr=1.5)
    with pytest.raises(Unsupported, match=r"0 non-members.*less than one of them"):
        pooled_tpr_at_fpr(values, np.stack([np.ones(100, bool), member[1]]), fpr=0.1)
    with pytest.raises(Unsupported, match=r"one run only.*two runs with members"):
        pooled_tpr_at_fpr(values, np.stack([np.ones(100, bool), np.zeros(100, bool)]), fpr=0.1)
