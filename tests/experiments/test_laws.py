"""Laws: exact without noise, measured by simulation, refused where they do not fit."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.experiments.laws import PowerLaw, line, means, power_law
from byrote.stats.not_measured import NotMeasured

SHARES = np.array([0.25, 0.5, 0.75, 1.0])


def drawn(rng: np.random.Generator, exponent: float = 0.5) -> np.ndarray:
    noise = rng.normal(0, 0.1, (4, 4)) + rng.normal(0, 0.2, 4)
    return 0.1 * SHARES[:, None] ** -exponent * np.exp(noise)


def test_a_known_law_is_returned_exactly() -> None:
    found = power_law(SHARES, 0.1 * SHARES[:, None] ** -0.6 * np.array([1.0, 1.3, 0.9]))
    assert isinstance(found, PowerLaw)
    assert found.exponent.value == pytest.approx(0.6)
    assert found.cut.value == pytest.approx(1 - 2**-0.6)
    assert found.scale == pytest.approx(0.1 * (1.3 * 0.9) ** (1 / 3))
    assert found.band(np.array([0.5, 2.0]))[:, 0] == pytest.approx(found.scale * np.array([0.5, 2.0]) ** -0.6)


def test_the_interval_holds_the_exponent_in_nine_of_ten() -> None:
    rng, trials = np.random.default_rng(0), 800
    found = [power_law(SHARES, drawn(rng)) for _ in range(trials)]
    kept = [each for each in found if isinstance(each, PowerLaw)]
    assert len(kept) > 0.96 * trials, "a law that holds is seldom refused"
    held = np.mean([each.exponent.low <= 0.5 <= each.exponent.high for each in kept])
    assert 0.87 <= held <= 0.93
    cut = np.mean([each.cut.low <= 1 - 2**-0.5 <= each.cut.high for each in kept])
    assert cut == held
    true = 0.1 * 0.5**-0.5
    band = np.array([each.band(np.array([0.5]))[0] for each in kept])
    assert 0.87 <= np.mean((band[:, 1] <= true) & (true <= band[:, 2])) <= 0.94


def test_memorization_that_follows_no_law_is_refused() -> None:
    rng = np.random.default_rng(0)
    values = np.array([0.1, 0.3, 0.3, 0.1])[:, None] * np.exp(rng.normal(0, 0.05, (4, 4)))
    found = power_law(SHARES, values)
    assert isinstance(found, NotMeasured)
    assert "does not follow one" in found.fact
    values[0, 0] = -0.01
    found = power_law(SHARES, values)
    assert isinstance(found, NotMeasured)
    assert "1 of 16 runs" in found.fact


def test_a_line_is_least_squares_and_its_contrast_is_paired() -> None:
    rng = np.random.default_rng(0)
    x, values = np.log2([0.25, 0.5, 1, 2, 4]), rng.normal(size=(5, 3))
    found = line(x, values)
    assert found.slope.value == pytest.approx(np.polyfit(x, values.mean(axis=1), 1)[0])
    shifted = line(x, values + np.array([5.0, -3.0, 1.0]))
    assert (shifted.slope.low, shifted.slope.high) == pytest.approx((found.slope.low, found.slope.high))
    assert found.contrast(values[0], values[-1]).value == pytest.approx((values[-1] - values[0]).mean())
    assert found.df == 8


def test_slopes_and_contrasts_hold_the_truth_in_nine_of_ten() -> None:
    rng, trials = np.random.default_rng(1), 800
    x = np.log2([0.25, 0.5, 1, 2, 4])
    held = np.zeros(2)
    misfits = 0
    for _ in range(trials):
        values = 0.03 * x[:, None] + rng.normal(0, 0.1, 4) + rng.normal(0, 0.04, (5, 4))
        found = line(x, values)
        ends = found.contrast(values[0], values[-1])
        held += [found.slope.low <= 0.03 <= found.slope.high, ends.low <= 0.12 <= ends.high]
        misfits += found.misfit < 0.05
    assert (np.abs(held / trials - 0.9) < 0.03).all()
    assert abs(misfits / trials - 0.05) < 0.025


def test_too_few_places_are_refused() -> None:
    with pytest.raises(InvalidData, match="3 places"):
        line(np.array([0.0, 1.0]), np.zeros((2, 3)))
    assert means(np.array([[1.0, 3.0]]))[0].value == 2
