"""Difference-in-differences against a slow loop, and a panel whose effect is known."""

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.lm import memorization_profile

CHECKPOINTS = 6


def panel(seed: int, documents: int = 150, shock: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """All documents improve with training; each by .5 x .7^lag more after it was seen."""
    rng = np.random.default_rng(seed)
    seen, time = rng.integers(0, CHECKPOINTS + 3, documents), np.arange(CHECKPOINTS)[:, None]
    lag = time - seen
    effect = np.where(lag >= 0, 0.5 * 0.7 ** np.maximum(lag, 0), 0.0)
    drift = shock * time * (seen >= CHECKPOINTS)
    noise = rng.normal(0, 0.2, (CHECKPOINTS, documents))
    return rng.normal(size=documents) + 0.3 * np.sqrt(time) + effect + drift + noise, seen


def test_the_table_equals_a_slow_loop_and_the_profile_its_means() -> None:
    outcome, seen = panel(0)
    found = memorization_profile(outcome, seen)
    sums: dict[int, list[float]] = {}
    for g in range(1, CHECKPOINTS):
        for t in range(CHECKPOINTS):
            own, control = seen == g, seen > max(g, t)
            if t == g - 1 or not control.any():
                continue
            change = outcome[t] - outcome[g - 1]
            effect = change[own].mean() - change[control].mean()
            assert found.table[g, t] == pytest.approx(effect)
            sums.setdefault(t - g, []).extend([effect] * int(own.sum()))
    assert set(found.lags) == set(sums)
    for lag, estimate in zip(found.lags, found.effects, strict=True):
        assert estimate.value == pytest.approx(np.mean(sums[lag]))
        assert estimate.n == len(sums[lag])


def test_the_interval_holds_the_effect_and_trends_are_parallel() -> None:
    """60 panels at level .9: fewer than 46 have a chance of 1 in 1,000."""
    held, alarms = np.zeros(2), 0
    for seed in range(60):
        found = memorization_profile(*panel(seed), seed=seed)
        for i, lag in enumerate((0, 2)):
            at = found.effects[found.lags.index(lag)]
            held[i] += at.low <= 0.5 * 0.7**lag <= at.high
        alarms += found.parallel_trends < 0.05
    assert held.min() >= 46
    assert alarms <= 9
    assert found.instantaneous == found.effects[found.lags.index(0)]


def test_controls_that_drift_are_seen() -> None:
    found = memorization_profile(*panel(1, documents=400, shock=0.2))
    assert found.parallel_trends < 0.01


def test_documents_of_one_cluster_are_drawn_together() -> None:
    rng = np.random.default_rng(3)
    cluster = np.arange(200) // 10
    seen = rng.integers(0, CHECKPOINTS + 2, 20)[cluster]
    outcome = rng.normal(size=(CHECKPOINTS, 20))[:, cluster] + rng.normal(0, 0.1, (CHECKPOINTS, 200))
    alone = memorization_profile(outcome, seen).instantaneous
    together = memorization_profile(outcome, seen, cluster=cluster).instantaneous
    assert together.value == alone.value
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_panels_without_controls_are_refused() -> None:
    outcome = np.zeros((3, 4))
    with pytest.raises(Unsupported, match="0 were first seen between two checkpoints"):
        memorization_profile(outcome, np.array([0, 0, 9, 9]))
    with pytest.raises(Unsupported, match="and 0 later or never"):
        memorization_profile(outcome, np.array([1, 1, 1, 0]))
    with pytest.raises(InvalidData, match="12 outcomes are NaN"):
        memorization_profile(outcome * np.nan, np.array([1, 1, 2, 9]))
