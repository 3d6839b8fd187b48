"""Half-lives that are known, held by their interval, and infinite where nothing is forgotten."""

import math

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.lm.half_life import half_life

TIMES = np.array([0.0, 50.0, 100.0, 200.0, 400.0])


def observed(life: float, seed: int = 0, noise: float = 0.2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    since, document = np.tile(TIMES, 20), np.repeat(np.arange(20), 5)
    size = rng.lognormal(0, 0.3, 20)[document]
    return size * 2 ** (-since / life) + rng.normal(0, noise, 100), since, document


def test_a_decay_without_noise_is_found() -> None:
    found = half_life(3 * 2 ** (-TIMES / 80), TIMES, np.arange(5))
    assert found.updates.value == pytest.approx(80, rel=0.02)
    assert found.start.value == pytest.approx(3, rel=0.02)


def test_the_interval_holds_the_half_life() -> None:
    """80 draws at level .9: fewer than 62 have a chance of 1 in 1,000."""
    held = 0
    for seed in range(80):
        found = half_life(*observed(120.0, seed), seed=seed).updates
        held += found.low <= 120 <= found.high
        assert found.n == 20
    assert held >= 62


def test_what_is_not_forgotten_has_an_infinite_half_life() -> None:
    found = half_life(np.ones(5), TIMES, np.arange(5))
    assert found.updates.value == math.inf
    rising = half_life(*observed(-500.0))
    assert rising.updates.value > 10_000


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(Unsupported, match="All 3 observations are 5 updates after"):
        half_life(np.ones(3), np.full(3, 5.0), np.arange(3))
    with pytest.raises(Unsupported, match="nothing was memorized"):
        half_life(-np.ones(5), TIMES, np.arange(5))
    with pytest.raises(InvalidData, match="1 times are not 0 or more"):
        half_life(np.ones(2), np.array([-1.0, 2.0]), np.arange(2))
    alone = half_life(np.exp(-TIMES), TIMES, np.zeros(5, np.int64))
    assert np.isnan(alone.updates.low)
