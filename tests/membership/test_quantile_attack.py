"""The quantile attack on logits whose mean and spread are known functions of the input."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from attackers import area, balanced, caught, chance, to_loss
from byrote.errors import Unsupported
from byrote.membership.quantile_attack import quantile_attack

Floats = NDArray[np.float64]


def world(shift: float, runs: int = 2, n: int = 4000) -> tuple[Floats, NDArray[np.bool_], Floats, NDArray[np.int64]]:
    """Logits ~ N(2 x0 + label, exp(x1)), and `shift` of these deviations higher for members."""
    rng = np.random.default_rng(0)
    inputs, labels = rng.uniform(-1.5, 1.5, (n, 2, 2)), rng.integers(0, 3, n)
    member = balanced(rng, runs, n, runs // 2) if runs > 1 else rng.random((1, n)) < 0.5
    mean, deviation = 2 * inputs[:, 0, 0] + labels, np.exp(inputs[:, 0, 1])
    return to_loss(mean + deviation * (rng.normal(size=member.shape) + shift * member)), member, inputs, labels


def test_it_finds_mean_and_spread() -> None:
    """Near the best there is, Phi(d / sqrt 2) and Phi(d - Phi^-1(.99)), and far above the loss."""
    loss, member, inputs, labels = world(1.5)
    value = quantile_attack(loss, member, inputs, labels)
    best = stats.norm.cdf(1.5 / np.sqrt(2))
    assert best - 0.02 < area(value, member) < best + 0.02
    assert caught(value, member) > 0.6 * stats.norm.cdf(1.5 - stats.norm.ppf(0.99))
    assert area(-loss, member) < best - 0.1
    truth = np.log(1 / np.expm1(loss)) - 2 * inputs[:, 0, 0] - labels
    assert np.corrcoef(value.ravel(), (truth * np.exp(-inputs[:, 0, 1])).ravel())[0, 1] > 0.95
    assert value[~member].std() == pytest.approx(1, abs=0.15)


def test_at_the_null_it_sees_nothing() -> None:
    loss, member, inputs, labels = world(0.0, runs=6, n=1500)
    assert abs(area(quantile_attack(loss, member, inputs, labels, epochs=10), member) - 0.5) < 4 * chance(member)


def test_even_a_regressor_that_learns_by_heart_sees_nothing_at_the_null() -> None:
    rng = np.random.default_rng(3)
    member = rng.random((6, 300)) < 0.5
    loss, inputs = to_loss(rng.normal(size=member.shape)), rng.normal(size=(300, 100))
    value = quantile_attack(loss, member, inputs, np.zeros(300, np.int64), epochs=60)
    assert abs(area(value, member) - 0.5) < 4 * chance(member)
    assert abs(caught(value, member, 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 * (1 / member.sum() + 1 / (~member).sum()))


def test_a_seed_says_it_all_and_random_state_is_left_alone() -> None:
    given = world(1.0, runs=1, n=400)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = quantile_attack(*given, epochs=2)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    np.testing.assert_array_equal(quantile_attack(*given, epochs=2), first)
    assert not np.array_equal(quantile_attack(*given, epochs=2, seed=1), first)


def test_a_loss_that_is_not_there_is_nan_for_itself_alone() -> None:
    loss, member, inputs, labels = world(1.0, runs=1, n=400)
    loss[0, :3] = np.nan, np.inf, 0.0
    value = quantile_attack(loss, member, inputs, labels, epochs=2)
    assert np.isnan(value[0, :2]).all()
    assert np.isfinite(value[0, 2:]).all()
    same = quantile_attack(np.full_like(loss, 0.5), member, inputs, labels, epochs=2)
    assert np.isfinite(same).all()


def test_without_non_members_it_is_refused() -> None:
    loss, member, inputs, labels = world(1.0, runs=1, n=400)
    with pytest.raises(Unsupported, match=r"0 non-members .* run 0\..*16 or more"):
        quantile_attack(loss, np.ones_like(member), inputs, labels)
