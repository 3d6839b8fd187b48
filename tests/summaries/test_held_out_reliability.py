"""Reliability by held-out runs against the squared correlation with the truth, and against its formula."""

from dataclasses import fields, replace

import numpy as np
import pytest

from byrote.scores._held_out import HeldOut, Predictions, held_out
from byrote.stats.estimate import Estimate
from byrote.summaries import held_out_reliability

IN, OUT = 4, 2


def seen(prior: float, n: int, seed: int) -> tuple[np.ndarray, HeldOut, np.ndarray]:
    """Return estimates of memorization from beta priors of so many outcomes, what held-out runs tell, and the truth."""
    rng, ends = np.random.default_rng(seed), np.zeros(n)
    truth, means, predictions = np.zeros(n), [], []
    for sign, runs, share in ((1, IN, 0.9), (-1, OUT, 0.6)):
        p = rng.beta(prior * share, prior * (1 - share), n)
        is_tried = np.zeros((IN + OUT, n))
        is_tried[slice(0, IN) if sign > 0 else slice(IN, None)] = 1
        right = is_tried * (rng.random((IN + OUT, n)) < p)
        others, right_others = runs - is_tried, right.sum(axis=0) - right
        predicted = (right_others + prior * share) / (others + prior)
        means.append((right.sum(axis=0) + prior * share) / (runs + prior))
        predictions.append(Predictions(predicted, others, right, is_tried, right))
        truth, ends = truth + sign * p, ends + sign * means[-1]
    return ends, held_out(means, *predictions), truth


def of(value: np.ndarray, known: HeldOut, groups: np.ndarray | None = None) -> Estimate:
    return held_out_reliability(value, *(getattr(known, field.name) for field in fields(known)), groups)


@pytest.mark.parametrize("prior", [2.0, 20.0])
def test_it_finds_the_squared_correlation_with_the_truth_whatever_is_known_beside_outcomes(prior: float) -> None:
    value, known, truth = seen(prior, 20_000, 0)
    found, true = of(value, known), np.corrcoef(value, truth)[0, 1] ** 2
    assert (found.low + found.high) / 2 == pytest.approx(true, abs=0.02)
    assert found.low < found.value < (found.low + found.high) / 2 < found.high
    assert (found.n, found.unit, found.level) == (20_000, "example", 0.9)


def test_without_held_out_runs_the_prior_speaks_alone() -> None:
    value, known, _ = seen(5.0, 200, 1)
    unknown = replace(known, truth_squared=np.full(200, np.nan))
    worths = 2 ** np.arange(0, 8.01, 0.0625)
    weights = np.exp(-0.5 * ((np.log2(worths) - 2.5) / 0.7) ** 2)
    errors = [np.mean([sum(p * (1 - p) / (r + s) for p, r in zip(ps, rs, strict=True))
                       for ps, rs in zip(known.mean.T, known.runs.T, strict=True)]) for s in worths]  # fmt: skip
    shares = value.var() / (value.var() + np.array(errors))
    expected = np.average(shares, weights=weights)
    found = of(value, unknown)
    deviation = (found.high - found.low) / (2 * 1.6448536269514722)
    assert found.value == pytest.approx(expected - deviation / 2, abs=1e-9)
    of_prior = np.average((shares - expected) ** 2, weights=weights) + (2 * expected * (1 - expected) * 0.1) ** 2
    assert of_prior < deviation**2 < 1.2 * of_prior
    assert found.high - found.low > of(value, known).high - of(value, known).low


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_estimates_that_are_all_too_large_or_too_small_correlate_as_well(factor: float) -> None:
    value, known, truth = seen(5.0, 20_000, 5)
    scaled = replace(known, estimate_squared=factor**2 * known.estimate_squared, times_truth=factor * known.times_truth)
    found, true = of(factor * value, scaled), np.corrcoef(value, truth)[0, 1] ** 2
    assert (found.low + found.high) / 2 == pytest.approx(true, abs=0.03)


def test_examples_of_one_group_are_worth_less_than_as_many_others() -> None:
    value, known, _ = seen(5.0, 400, 2)
    groups = np.array([str(at // 20) for at in range(400)])
    twice = HeldOut(*(np.tile(getattr(known, field.name), 2) for field in fields(known)))
    alone, apart = of(value, known), of(value, known, np.full(400, ""))
    assert apart == alone
    assert of(value, known, groups).high - of(value, known, groups).low != alone.high - alone.low
    pairs = of(np.tile(value, 2), twice, np.tile([str(at) for at in range(400)], 2))
    assert (pairs.value, pairs.low, pairs.high) == pytest.approx((alone.value, alone.low, alone.high), abs=1e-9)


def test_examples_without_a_value_are_left_out() -> None:
    value, known, _ = seen(5.0, 300, 3)
    gone = np.arange(300) % 3 == 0
    assert of(np.where(gone, np.nan, value), known) == of(value[~gone], known.where(~gone))


def test_equal_estimates_have_none() -> None:
    _, known, _ = seen(5.0, 10, 4)
    assert np.isnan(of(np.full(10, 0.5), known).value)
    assert np.isnan(of(np.full(10, np.nan), known).value)
