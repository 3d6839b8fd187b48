"""Exposure in a model that was trained on canaries, and the pure parts against closed forms."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.lm import CanaryExposures, canary_exposures, exposure_by_copies, null_check
from byrote.lm.exposure import NULL_MEAN
from byrote.summaries import extrapolated_exposure_interval
from lm.planted import slow_log_probability, trained


@pytest.fixture(scope="module")
def exposures() -> CanaryExposures:
    model, canaries = trained()
    return canary_exposures(model, canaries, references=60, nodes=400, seed=1)


def test_planted_canaries_are_exposed_and_null_ones_have_1_44_bits(exposures: CanaryExposures) -> None:
    means = exposure_by_copies(exposures.exposure, exposures.copies)
    assert set(means) == {0, 1, 16}
    assert means[16].value > 9, "16 copies: nearly all of the 9.97 bits"
    assert means[16].value > means[0].value + 5
    assert exposures.exact.all()
    check = null_check(exposures.exposure[exposures.copies == 0], exposures.ranked[exposures.copies == 0])
    assert check.mean.low < check.expected < check.mean.high
    assert check.expected == pytest.approx(NULL_MEAN, abs=0.01)
    assert check.p_value > 0.01


def test_exposure_equals_ranks_among_all_secrets(exposures: CanaryExposures) -> None:
    model, canaries = trained()
    for at in (0, 5, 20):
        canary = canaries[at]
        start = len(canary.before.rstrip())
        own = slow_log_probability(model, canary.before + canary.secret, start)
        others = [slow_log_probability(model, f"{canary.before}{code:03d}", start) for code in range(0, 1000, 7)]
        above = np.mean([other >= own for other in others])
        share = 2.0 ** -exposures.exposure[at]
        assert abs(above - share) < 3 * np.sqrt(share * (1 - share) / len(others)) + 1 / len(others)


def test_a_sample_holds_the_exact_exposure(exposures: CanaryExposures) -> None:
    """48 canaries at level .95: fewer than 41 held have a chance of 1 in 1,000."""
    model, canaries = trained()
    sampled = canary_exposures(model, canaries, references=60, nodes=1, seed=2, level=0.95)
    assert not sampled.exact.any()
    held = (sampled.low <= exposures.exposure + 1e-9) & (exposures.exposure <= sampled.high + 1e-9)
    assert held.sum() >= 41
    assert sampled.exposure.max() <= np.log2(61)
    assert (sampled.high <= sampled.bits).all()
    beyond = ~np.isnan(sampled.extrapolated)
    assert (sampled.exposure[beyond] == np.log2(61)).all(), "only secrets likelier than all references are extrapolated"
    assert (sampled.extrapolated_low[beyond] <= sampled.extrapolated_high[beyond]).all()


def test_ranks_that_are_not_uniform_fail_the_null_check() -> None:
    rng = np.random.default_rng(0)
    ranked = np.full(60, 1001.0)
    uniform = np.log2(1001) - np.log2(rng.integers(1, 1002, 60))
    assert null_check(uniform, ranked).p_value > 0.01
    assert null_check(uniform + 1, ranked).p_value < 0.01
    assert null_check(uniform * 0.4, ranked).p_value < 0.01
    few = null_check(np.zeros(3), np.full(3, 2.0))
    assert few.expected == pytest.approx((1 + 0) / 2), "of two secrets: 1 bit or none"


def test_the_null_p_value_is_calibrated() -> None:
    """300 audits of 10 canaries: .05 with a standard error of .013."""
    rng = np.random.default_rng(1)
    ranked = np.full(10, 201.0)
    p = [null_check(np.log2(201) - np.log2(rng.integers(1, 202, 10)), ranked, seed=i).p_value for i in range(300)]
    assert np.mean(np.array(p) < 0.05) < 0.09
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


def test_extrapolation_has_an_interval_that_shrinks() -> None:
    rng = np.random.default_rng(3)
    widths = []
    for references in (200, 5000):
        low, high = extrapolated_exposure_interval(np.array([-3.5]), rng.normal(size=references))
        assert low[0] < 12.1 < high[0], "a normal has 12.1 bits below -3.5"
        widths.append(high[0] - low[0])
    assert widths[1] < widths[0] / 2


def test_nothing_to_measure_is_refused() -> None:
    model, canaries = trained()
    with pytest.raises(Unsupported, match="0 canaries"):
        canary_exposures(model, ())
    with pytest.raises(Unsupported, match="0 references"):
        canary_exposures(model, canaries[:1], references=0)
    with pytest.raises(Unsupported, match="cannot be checked"):
        null_check(np.array([np.nan]), np.array([10.0]))
