"""Effects: exact without noise, equal to least squares with a column per seed, and measured by simulation."""

from itertools import permutations

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.experiments.effects import effects, fieller, holm, shapley_weights
from byrote.experiments.factorial import factorial

DESIGN = factorial([-1, -1, -1, 1, 1, 1], 4)
GROUPS = DESIGN.interactions()
BETA = np.array([0.03, 0.02, 0.01, 0.0, 0.02, -0.01])
SEEDS, TRIALS = 4, 600


def drawn(rng: np.random.Generator, beta: np.ndarray = BETA, spread: float | np.ndarray = 0.02) -> np.ndarray:
    """Return values of a known model: effects, what a seed adds in all cells, and noise."""
    noise = rng.normal(0, 1, (16, SEEDS)) * spread
    return 0.1 + (DESIGN.levels @ beta)[:, None] + rng.normal(0, 0.05, SEEDS) + noise


def test_known_effects_are_returned_exactly() -> None:
    first, second = GROUPS[1][0]
    values = 0.1 + (DESIGN.levels @ BETA + 0.005 * DESIGN.levels[:, first] * DESIGN.levels[:, second])[:, None]
    found = effects(DESIGN.levels, values + np.array([0.0, 0.4, -0.2]), GROUPS)
    assert [each.value for each in found.main] == pytest.approx(2 * BETA)
    assert [each.value for _, each in found.pairs] == pytest.approx(
        [0.01 if i == 1 else 0 for i in range(7)], abs=1e-12
    )
    assert found.total.value == pytest.approx(2 * BETA.sum())
    assert found.shares is not None
    assert [each.value for each in found.shares] == pytest.approx(BETA / BETA.sum())
    assert found.noise == pytest.approx(0, abs=1e-12)


def test_they_are_means_over_seeds_with_students_interval() -> None:
    values = drawn(np.random.default_rng(1))
    found = effects(DESIGN.levels, values, GROUPS)
    for at, size in enumerate(found.main):
        high = DESIGN.levels[:, at] == 1
        by_seed = values[high].mean(axis=0) - values[~high].mean(axis=0)
        assert size.value == pytest.approx(by_seed.mean())
        half = 2.3534 * by_seed.std(ddof=1) / np.sqrt(SEEDS)  # t of 3 degrees of freedom
        assert (size.high - size.low) / 2 == pytest.approx(half, rel=1e-4)
    assert found.df == SEEDS - 1


def test_a_factor_whose_effect_varies_between_seeds_is_not_named_for_it() -> None:
    """Its mean effect is 0. One noise for all effects named it in one experiment of four, and its interval held 0 in .55."""
    rng, named, held = np.random.default_rng(0), 0, 0
    for _ in range(TRIALS):
        own = rng.normal(0, 0.016, SEEDS)
        values = 0.2 + rng.normal(0, 0.014, (16, SEEDS)) + 0.5 * own * DESIGN.levels[:, :1]
        found = effects(DESIGN.levels, values, GROUPS)
        named += bool(found.shown())
        held += found.main[0].low <= 0 <= found.main[0].high
    assert named / TRIALS < 0.13
    assert 0.86 < held / TRIALS < 0.94


def test_shapley_values_are_the_mean_over_all_orders_of_raising_the_factors() -> None:
    rng = np.random.default_rng(0)
    pairs = [(0, 1), (1, 3), (0, 2)]
    beta = rng.normal(size=7)

    def value(high: set[int]) -> float:
        at = [1 if i in high else -1 for i in range(4)]
        return float(beta[:4] @ at + sum(b * at[i] * at[j] for b, (i, j) in zip(beta[4:], pairs, strict=True)))

    slow = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        for k, factor in enumerate(order):
            slow[factor] += (value(set(order[: k + 1])) - value(set(order[:k]))) / len(orders)
    assert shapley_weights(4, pairs) @ beta == pytest.approx(slow)
    assert slow == pytest.approx(2 * beta[:4]), "what interactions add cancels"


@pytest.mark.parametrize("spread", [0.02, np.linspace(0.005, 0.04, 16)[:, None]], ids=["same", "differs between cells"])
def test_intervals_of_effects_and_shares_hold_them_in_nine_of_ten(spread: float | np.ndarray) -> None:
    rng = np.random.default_rng(2)
    held, shared = np.zeros(6), np.zeros(6)
    for _ in range(TRIALS):
        found = effects(DESIGN.levels, drawn(rng, spread=spread), GROUPS)
        held += [each.low <= 2 * b <= each.high for each, b in zip(found.main, BETA, strict=True)]
        assert found.shares is not None
        shared += [each.low <= b / BETA.sum() <= each.high for each, b in zip(found.shares, BETA, strict=True)]
    assert 0.87 <= held.mean() / TRIALS <= 0.93
    assert 0.87 <= shared.mean() / TRIALS <= 0.93
    assert (np.abs(held / TRIALS - 0.9) < 0.045).all()


def test_no_cause_is_named_in_nine_of_ten_experiments_without_one() -> None:
    rng = np.random.default_rng(3)
    trials = [effects(DESIGN.levels, drawn(rng, np.zeros(6)), GROUPS) for _ in range(TRIALS)]
    named = np.mean([bool(each.shown()) for each in trials])
    assert 0.06 <= named <= 0.12
    p = np.concatenate([each.p_values for each in trials])
    assert abs(np.mean(p <= 0.1) - 0.1) < 0.015
    divided = np.mean([each.shares is not None for each in trials])
    assert divided < 0.13, "a change that is not there is not divided into shares"


def test_holm_multiplies_the_smallest_by_how_many_there_are() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1.0, 1.0])


def test_a_ratio_whose_bottom_may_be_zero_has_no_ends() -> None:
    covariance = np.eye(2)
    top, bottom = np.array([1.0, 0.0]), np.array([1.0, 1.0])
    assert np.isnan(fieller(top, bottom, np.array([0.1, 0.1]), covariance, 20)).all()
    low, high = fieller(top, bottom, np.array([50.0, 50.0]), covariance, 20)
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.7247 * np.sqrt(0.5) / 100, rel=0.02)  # the delta method far from zero


def test_cells_that_failed_are_left_out_as_long_as_factors_can_be_told_apart() -> None:
    there = [i for i in range(16) if i not in (3, 9)]
    values = (DESIGN.levels @ BETA)[:, None] + np.array([0.0, 0.1])
    found = effects(DESIGN.levels[there], values[there], GROUPS)
    assert [each.value for each in found.main] == pytest.approx(2 * BETA)
    with pytest.raises(Unsupported, match="too many cells failed"):
        effects(DESIGN.levels[:5], values[:5], GROUPS)
    with pytest.raises(InvalidData, match="finite"):
        effects(DESIGN.levels, np.full((16, 2), np.nan), GROUPS)
    with pytest.raises(InvalidData, match="Give 2 or more"):
        effects(DESIGN.levels, values[:, :1], GROUPS)
