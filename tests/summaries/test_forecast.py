"""Forecasts against runs that come later, Spearman-Brown, and a recount from scratch."""

import itertools
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit

from byrote.errors import Unsupported
from byrote.scores import memorization
from byrote.stats.intervals import normal_quantile
from byrote.summaries import Forecast, Tally, forecast

Bools = NDArray[np.bool_]
EXAMPLES = 2000


def _runs(runs: int, seed: int) -> tuple[Bools, Bools]:
    """Runs of 2,000 examples, each left out of 3 of 10; a third of them always right, the others now and then."""
    chance = np.where(np.arange(EXAMPLES) < EXAMPLES // 3, 1.0, np.random.default_rng(0).random(EXAMPLES))
    rng = np.random.default_rng([1, seed])
    blocks = [rng.permuted(np.tile(np.arange(10) < 7, (EXAMPLES, 1)), axis=1).T for _ in range(runs // 10)]
    member = np.concatenate(blocks)
    return (member & (rng.random(member.shape) < 0.98)) | (rng.random(member.shape) < chance), member


def _of(correct: Bools, member: Bools) -> Forecast:
    found = forecast(correct, member)
    assert found is not None
    return found


def test_the_standard_error_is_the_median_of_the_scores_intervals() -> None:
    correct, member = _runs(20, 0)
    assert memorization.interval is not None
    low, high = memorization.interval(correct, member, level=0.9)
    expected = np.median(high - low) / (2 * normal_quantile(0.9))
    assert _of(correct, member).standard_error == pytest.approx(expected)


@pytest.mark.parametrize("odd", [0, 1])
def test_the_median_of_few_examples_is_the_one_in_the_middle(odd: int) -> None:
    correct, member = (each[:, 1000 : 1006 + odd] for each in _runs(20, 1))
    assert memorization.interval is not None
    low, high = memorization.interval(correct, member, level=0.9)
    assert len(np.unique(high - low)) > 3
    assert _of(correct, member).standard_error == pytest.approx(np.median(high - low) / (2 * normal_quantile(0.9)))


def test_the_reliability_is_the_correlation_of_two_sets_of_runs() -> None:
    """The correlation of 2,000 pairs has a standard error of about .01."""
    forecast = [_of(*_runs(20, seed)).reliability.value for seed in range(5)]
    values = [memorization(*_runs(20, seed)) for seed in range(6)]
    seen = [np.corrcoef(a, b)[0, 1] for a, b in itertools.pairwise(values)]
    assert np.mean(forecast) == pytest.approx(np.mean(seen), abs=0.02)


def test_twenty_runs_say_what_eighty_will_bring() -> None:
    now, then = _of(*_runs(20, 2)), _of(*_runs(80, 3))
    forecast = now.reliability_at(80)
    assert forecast.low < then.reliability.value < forecast.high
    assert forecast.value == pytest.approx(then.reliability.value, abs=0.01)
    low, high = now.standard_error_at(80)
    assert 0.95 * low < then.standard_error < 1.05 * high
    assert now.standard_error_at(20).low == pytest.approx(now.standard_error)


def test_the_interval_of_the_reliability_covers_that_of_other_runs() -> None:
    """Of 30 intervals, 27 are expected to hold the mean of all 30; by chance, 22 or fewer do 1 time in 100."""
    found = [_of(*_runs(20, 100 + seed)).reliability for seed in range(30)]
    truth = np.mean([each.value for each in found])
    assert sum(each.low <= truth <= each.high for each in found) >= 23
    widths = [logit(each.high) - logit(each.low) for each in found]
    spread = np.std([logit(each.value) for each in found], ddof=1)
    assert np.mean(widths) == pytest.approx(2 * 1.83 * spread, rel=0.4)


def test_the_runs_that_are_needed_bring_what_was_asked() -> None:
    now = _of(*_runs(20, 4))
    runs = now.runs_for(0.05)
    assert now.standard_error_at(runs).middle <= 0.05 < now.standard_error_at(runs - 1).middle
    assert now.runs_for(0.9) == 20
    more = now.runs_for_reliability(0.95)
    assert now.reliability_at(more).value >= 0.95 > now.reliability_at(more - 1).value
    assert now.runs_for_reliability(0.1) == 20


def test_reliability_steps_up_by_spearman_and_brown() -> None:
    now = _of(*_runs(20, 5))
    r = now.reliability.value
    assert now.reliability_at(40).value == pytest.approx(2 * r / (1 + r))
    assert now.reliability_at(20).value == pytest.approx(r)
    assert (now.reliability_at(40).n, now.reliability_at(40).unit) == (40, "run")


def test_runs_one_by_one_are_the_runs_at_once() -> None:
    correct, member = _runs(30, 6)
    tally = Tally(EXAMPLES)
    for k, (right, inside) in enumerate(zip(correct, member, strict=True), start=1):
        tally.add(right, inside)
        if k in (10, 30):
            so_far, at_once = tally.forecast(), _of(correct[:k], member[:k])
            assert so_far is not None
            assert (so_far.runs, so_far.standard_error) == (k, at_once.standard_error)
            assert so_far.reliability == at_once.reliability
            assert so_far.runs_for(0.05) == at_once.runs_for(0.05)


def test_examples_in_another_order_say_the_same() -> None:
    correct, member = _runs(20, 7)
    order = np.random.default_rng(8).permutation(EXAMPLES)
    one, other = _of(correct, member), _of(correct[:, order], member[:, order])
    assert one.standard_error == other.standard_error
    assert one.reliability.value == pytest.approx(other.reliability.value)


def test_nothing_is_said_of_nothing() -> None:
    assert Tally(3).forecast() is None
    assert forecast(np.ones((4, 3), bool), np.ones((4, 3), bool)) is None
    one_out = _of(np.ones((2, 2), bool), np.eye(2, dtype=bool))
    assert one_out.standard_error > 0
    assert np.isnan(one_out.reliability.value)
    certain = _of(np.ones((20, 5), bool), _runs(20, 9)[1][:, :5])
    assert np.isnan(certain.reliability.value)
    assert certain.runs_for(0.01) > 100


@pytest.mark.parametrize("target", [0.0, -1.0, float("nan")])
def test_a_standard_error_that_no_number_of_runs_has_is_refused(target: float) -> None:
    with pytest.raises(Unsupported, match=rf"{re.escape(str(target))}.*above 0"):
        _of(*_runs(20, 10)).runs_for(target)


@pytest.mark.parametrize("target", [0.0, 1.0, float("nan")])
def test_a_reliability_that_no_number_of_runs_has_is_refused(target: float) -> None:
    with pytest.raises(Unsupported, match=rf"{re.escape(str(target))}.*between 0 and 1"):
        _of(*_runs(20, 10)).runs_for_reliability(target)


def test_noise_gives_no_forecast_of_reliability() -> None:
    rng = np.random.default_rng(13)
    noise = _of(rng.random((20, 40)) < 0.5, _runs(20, 12)[1][:, :40])
    assert noise.reliability.value < 0
    with pytest.raises(Unsupported, match=r"20 runs is -?0\.\d+.*Collect more"):
        noise.runs_for_reliability(0.9)
