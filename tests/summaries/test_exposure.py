"""Exposure against ranks, never-inserted canaries, SciPy's skew normal, and fits that have to be refused."""

import numpy as np
import pytest
from scipy import integrate, stats

from byrote.errors import Unsupported
from byrote.summaries import exposure, exposure_interval, extrapolated_exposure, mean_exposure

NEVER_INSERTED = 1 / np.log(2)


def test_equals_the_rank_in_the_whole_space() -> None:
    rng = np.random.default_rng(0)
    space = rng.permutation(1000) + 0.0
    for canary in (0, 10, 999):
        bits = exposure(space[[canary]], np.delete(space, canary))
        assert bits[0] == pytest.approx(np.log2(1000) - np.log2(space[canary] + 1))


def test_a_smaller_loss_is_more_exposed_and_ties_count_against_the_canary() -> None:
    candidates = np.array([1.0, 2.0, 2.0, 3.0])
    bits = exposure(np.array([0.0, 1.5, 2.0, 9.0, np.inf]), candidates)
    assert bits == pytest.approx(np.log2([5, 5 / 2, 5 / 4, 1, 1]))


def test_never_inserted_canaries_average_1_44_bits() -> None:
    """4,000 canaries and 100,000 candidates; exposure is exponential, so the error is 1.44 / sqrt 4000 = .023."""
    loss, candidates = np.random.default_rng(1).normal(size=4000), np.random.default_rng(2).normal(size=100_000)
    measured = mean_exposure(loss, candidates, level=0.99)
    assert measured.low < NEVER_INSERTED < measured.high
    assert measured.value == pytest.approx(NEVER_INSERTED, abs=0.07)
    assert (measured.n, measured.unit) == (4000, "example")
    assert measured.high - measured.low < 0.13


def test_the_interval_of_the_mean_covers_at_the_null() -> None:
    """600 audits of 50 canaries, standard error .012."""
    rng = np.random.default_rng(3)
    candidates = rng.random(20_000)
    estimates = [mean_exposure(rng.random(50), candidates) for _ in range(600)]
    assert np.mean([e.low <= NEVER_INSERTED <= e.high for e in estimates]) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("share", [0.5, 0.05, 0.002])
def test_the_interval_holds_the_exposure_in_the_whole_space(share: float) -> None:
    rng = np.random.default_rng(4)
    samples = [exposure_interval(np.array([share]), rng.random(500)) for _ in range(500)]
    held = np.mean([low[0] <= -np.log2(share) <= high[0] for low, high in samples])
    assert held >= 0.87
    unseen = exposure_interval(np.array([-1.0]), rng.random(500))
    assert unseen[1][0] == np.inf
    assert unseen[0][0] == pytest.approx(-np.log2(1 - 0.05 ** (1 / 500)))


def test_extrapolation_equals_the_tail_of_the_distribution() -> None:
    """100,000 skew normal candidates; far beyond what they show, the moments are still known to a per cent."""
    truth = stats.skewnorm(3, loc=20, scale=5)
    candidates = truth.rvs(100_000, random_state=5)
    loss = truth.ppf([0.5, 1e-2, 1e-4])
    found = extrapolated_exposure(loss, candidates)
    assert found.exposure == pytest.approx(-np.log2([0.5, 1e-2, 1e-4]), rel=0.05)
    assert (found.mean, found.deviation) == pytest.approx((candidates.mean(), candidates.std()))
    assert found.skewness == pytest.approx(stats.skew(candidates))
    assert found.fit > 0.01
    assert found.candidates == 100_000


@pytest.mark.parametrize("shape", [-4.0, 0.5, 4.0])
def test_the_far_tail_equals_an_integral(shape: float) -> None:
    candidates = stats.skewnorm(shape).rvs(20_000, random_state=6)
    loss = np.array([-3.0, -1.0, 0.5, 4.0])
    found = extrapolated_exposure(loss, candidates)
    a, place, scale = _by_moments(found.mean, found.deviation, found.skewness)
    density = stats.skewnorm(a, loc=place, scale=scale)
    below = [integrate.quad(density.pdf, at - 12, at, epsabs=0, epsrel=1e-10, limit=400)[0] for at in loss]
    assert found.exposure == pytest.approx(-np.log2(below), rel=1e-4, abs=1e-4)


def _by_moments(mean: float, deviation: float, skewness: float) -> tuple[float, float, float]:
    """Return the skew normal with these moments, by search."""
    slants = np.linspace(-20, 20, 400_001)
    turn = slants / np.sqrt(1 + slants**2) * np.sqrt(2 / np.pi)
    a = slants[np.argmin(np.abs((4 - np.pi) / 2 * turn**3 / (1 - turn**2) ** 1.5 - skewness))]
    unit = stats.skewnorm(a)
    return float(a), float(mean - unit.mean() * deviation / unit.std()), float(deviation / unit.std())


def test_extrapolated_never_inserted_canaries_average_1_44_bits() -> None:
    """1,000 canaries: the error is .046, and a little more for the fit."""
    draws = stats.skewnorm(2).rvs(11_000, random_state=7)
    assert extrapolated_exposure(draws[:1000], draws[1000:]).exposure.mean() == pytest.approx(NEVER_INSERTED, abs=0.18)


def test_good_fits_are_refused_as_rarely_as_they_should_be() -> None:
    """40 samples at .1: 10 or more refusals have a chance of 1 in 200. Bad ones are always found."""
    refused = 0
    for seed in range(40):
        candidates = stats.skewnorm(2).rvs(300, random_state=seed)
        try:
            extrapolated_exposure(np.zeros(1), candidates, least_fit=0.1, seed=seed)
        except Unsupported:
            refused += 1
    assert refused < 10


def test_what_does_not_fit_is_refused() -> None:
    rng = np.random.default_rng(8)
    two_humps = np.concatenate([rng.normal(size=500), rng.normal(6, 1, size=700)])
    with pytest.raises(Unsupported, match=r"0\.0.*more candidates"):
        extrapolated_exposure(np.zeros(1), two_humps)
    with pytest.raises(Unsupported, match=r"skewness of .*at most \.995.*use exposure"):
        extrapolated_exposure(np.zeros(1), rng.exponential(size=1000))
    with pytest.raises(Unsupported, match=r"49 candidates.*at least 50"):
        extrapolated_exposure(np.zeros(1), rng.normal(size=49))
    with pytest.raises(Unsupported, match=r"60 candidates.*finite"):
        extrapolated_exposure(np.zeros(1), np.append(rng.normal(size=59), np.inf))


def test_nan_and_no_candidates_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"1 of the 2 values.*Leave"):
        exposure(np.array([1.0, np.nan]), np.zeros(3))
    with pytest.raises(Unsupported, match=r"1 of the 1 values.*Leave"):
        exposure(np.zeros(1), np.array([np.nan]))
    with pytest.raises(Unsupported, match=r"no candidates.*Give the losses"):
        exposure(np.zeros(2), np.zeros(0))


def test_one_canary_has_a_mean_and_no_interval() -> None:
    one = mean_exposure(np.zeros(1), np.ones(7))
    assert (one.value, np.isnan(one.low), one.n) == (3, True, 1)
