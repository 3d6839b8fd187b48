"""LiRA against a loop over targets, against what normal scores must give, and against the settings that are known to be worse."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from attackers import Bools, Floats, area, balanced, caught, draws, others, pooled, prior, to_loss
from byrote.errors import ByroteError, Unsupported
from byrote.scores import lira, rmia
from byrote.scores._shadows import Shadows, logit


def small(seed: int) -> tuple[Floats, Bools]:
    rng = np.random.default_rng(seed)
    member = balanced(rng, 8, 10, 4)
    return to_loss(rng.normal(2, 1, 10) + rng.normal(size=member.shape) * np.exp(rng.normal(size=10)) + member), member


def variances(judges: list[list[list[float]]], variance: str) -> NDArray[np.float64]:
    """Return the variance of each example's two sides, as one target finds them."""
    found = np.empty((2, len(judges[0])))
    for which, values in enumerate(judges):
        prior_variance, prior_freedom = prior(values)
        for example, v in enumerate(values):
            squares, freedom = float(np.sum((np.array(v) - np.mean(v)) ** 2)), len(v) - 1
            if variance == "pooled" or (variance == "bayes" and np.isinf(prior_freedom)):
                found[which, example] = pooled(values)
            elif variance == "own":
                found[which, example] = squares / freedom
            else:
                found[which, example] = (prior_freedom * prior_variance + squares) / (prior_freedom + freedom)
    return found


@pytest.mark.parametrize("variance", ["pooled", "own", "bayes"])
@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_loop_over_targets(variance: str, online: bool, seed: int) -> None:
    loss, member = small(seed)
    found, value, drawn = lira(loss, member, online=online, variance=variance), logit(loss), draws(logit(loss))
    for run in range(8):
        judges = [[others(value, member, drawn, run, e)[which] for e in range(10)] for which in (0, 1)]
        deviation = np.sqrt(variances(judges, variance))
        for e in range(10):
            (with_it, without), x = (np.mean(judges[0][e]), np.mean(judges[1][e])), value[run, e]
            if online:
                expected = stats.norm.logpdf(x, with_it, deviation[0, e]) - stats.norm.logpdf(
                    x, without, deviation[1, e]
                )
            else:
                expected = (x - without) / deviation[1, e]
            assert found[run, e] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("d", [0.5, 1.5])
def test_normal_scores_give_what_they_must(d: float) -> None:
    """Offline, a mean of 31 others is off by 1/31 of a variance: AUC = Phi(d' / sqrt 2), d' = d / sqrt(1 + 1/31)."""
    rng = np.random.default_rng(0)
    member = balanced(rng, 64, 4000, 32)
    loss = to_loss(rng.normal(1, 2, 4000) + rng.normal(size=member.shape) + d * member)
    value, seen = lira(loss, member, online=False), d / np.sqrt(1 + 1 / 31)
    assert area(value, member) == pytest.approx(stats.norm.cdf(seen / np.sqrt(2)), abs=0.004)
    assert caught(value, member) == pytest.approx(stats.norm.cdf(seen - stats.norm.ppf(0.99)), abs=0.006)
    assert value[~member].std() == pytest.approx(np.sqrt(1 + 1 / 31), abs=0.01)
    p = stats.norm.sf(value[~member] / np.sqrt(1 + 1 / 31))
    assert np.abs(np.sort(p) - (np.arange(p.size) + 0.5) / p.size).max() < 0.01, "p-values at the null are uniform"


def mixed(seed: int, runs: int = 16) -> tuple[Floats, Bools]:
    """Examples whose means, shifts and (modestly) spreads differ: half of the spreads lie between .8 and 1.2."""
    rng = np.random.default_rng(seed)
    member = balanced(rng, runs, 4000, runs // 2)
    scale = np.exp(rng.normal(0, 0.3, 4000))
    return to_loss(
        rng.normal(2, 1, 4000) + rng.normal(size=member.shape) * scale + rng.gamma(1, 1.5, 4000) * member
    ), member


def test_at_16_runs_the_pooled_variance_finds_far_more() -> None:
    loss, member = mixed(0)
    found = {v: caught(lira(loss, member, variance=v), member, 0.001) for v in ("own", "pooled", "bayes")}
    assert found["pooled"] > 1.5 * found["own"]
    assert found["bayes"] > 1.5 * found["own"]
    assert found["pooled"] > 1.5 * caught(-loss, member, 0.001), "and more than the loss"


def test_offline_is_one_sided() -> None:
    """The common code takes the distance from the runs without it on either side."""
    rng = np.random.default_rng(1)
    member = balanced(rng, 16, 4000, 8)
    loss = to_loss(rng.normal(2, 1, 4000) + rng.normal(size=member.shape) + member)
    one = lira(loss, member, online=False)
    two = one**2
    assert area(one, member) > area(two, member) + 0.1
    assert caught(one, member) > 1.5 * caught(two, member)


def test_nan_says_which_side_is_missing() -> None:
    loss, member = small(2)
    member[:, 0] = [True, True, False, False, False, False, False, False]
    for variance, online, defined in (("own", True, False), ("pooled", True, True), ("own", False, True)):
        assert np.isfinite(lira(loss, member, online=online, variance=variance)[:, 0]).all() == defined
    assert Shadows(logit(loss), member).moments(slice(0, 1), trained=True).count.tolist() == [[1]] * 8


def test_a_variance_it_does_not_have_is_refused() -> None:
    loss, member = small(0)
    with pytest.raises(Unsupported, match=r"'fixed'.*'pooled', 'own' or 'bayes'"):
        lira.bind(variance="fixed")(loss, member)
    with pytest.raises(ByroteError, match=r"'variances'.*options: online, variance"):
        lira.bind(variances="own")


def _rounded(logit: Floats) -> Floats:
    """Return cross-entropy of two classes as float32 log-softmax gives it."""
    two = np.stack([logit, 0 * logit], -1).astype(np.float32)
    shifted = two - two.max(-1, keepdims=True)
    return (np.log(np.exp(shifted).sum(-1, dtype=np.float32)) - shifted[..., 0]).astype(np.float64)


@pytest.mark.parametrize(("level", "share", "cost"), [(8, 0.002, 0.002), (12, 0.089, 0.01), (14.5, 0.339, 0.045)])
def test_losses_that_float32_rounded_to_zero_cost_little(level: float, share: float, cost: float) -> None:
    """They count as 2^-24, below which float32 rounds; as 1e-38 the first two cost .07 and .13."""
    rng = np.random.default_rng(0)
    member = rng.random((32, 1500)).argsort(axis=0) < 16
    logit = rng.normal(level, 2, 1500) + rng.normal(0, 1.5, member.shape) + 2 * member
    exact, rounded = np.logaddexp(0, -logit), _rounded(logit)
    assert (rounded == 0).mean() == pytest.approx(share, abs=0.001)
    given = lira(rounded, member)
    assert area(given, member) > area(lira(exact, member), member) - cost
    assert area(given, member) == pytest.approx(area(lira(np.maximum(rounded, 2.0**-24), member), member), abs=0.002)
    assert area(rmia(rounded, member), member) > area(rmia(exact, member), member) - 0.005
