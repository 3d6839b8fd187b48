"""BaVarIA against Student's t in a loop over targets, and at its two ends, where it is LiRA."""

import numpy as np
import pytest
from scipy import stats

from attackers import Bools, Floats, area, balanced, caught, draws, others, prior, to_loss
from byrote.scores import _shadows, bavaria, lira
from byrote.scores._shadows import logit


def world(seed: int, runs: int = 10, examples: int = 14, unlike: float = 1.0) -> tuple[Floats, Bools]:
    rng = np.random.default_rng(seed)
    member = balanced(rng, runs, examples, runs // 2)
    scale = np.exp(unlike * rng.normal(size=examples))
    return to_loss(rng.normal(2, 1, examples) + rng.normal(size=member.shape) * scale + member), member


@pytest.mark.parametrize("online", [True, False])
def test_it_is_the_loop_over_targets(online: bool) -> None:
    loss, member = world(0)
    found, value, drawn = bavaria(loss, member, online=online), logit(loss), draws(logit(loss))
    for run in range(10):
        densities, tails = [], []
        for which in (0, 1):
            judges = [others(value, member, drawn, run, e)[which] for e in range(14)]
            variance, prior_freedom = prior(judges)
            assert np.isfinite(prior_freedom)
            n = np.array([len(v) for v in judges])
            squares = np.array([np.sum((np.array(v) - np.mean(v)) ** 2) for v in judges])
            freedom = prior_freedom + n - 1
            scale = np.sqrt((prior_freedom * variance + squares) / freedom * (1 + 1 / n))
            mean = [np.mean(v) for v in judges]
            densities.append(stats.t.logpdf(value[run], freedom, mean, scale))
            tails.append(stats.norm.ppf(stats.t.cdf(value[run], freedom, mean, scale)))
        if online:
            np.testing.assert_allclose(found[run], densities[0] - densities[1], rtol=1e-6, atol=1e-8)
        else:
            near = np.abs(tails[1]) < 3
            np.testing.assert_allclose(found[run, near], tails[1][near], atol=0.03)


@pytest.mark.parametrize("freedom", [4.0, 9.0, 30.0, 1e6])
def test_the_deviate_has_the_tail_of_students_t_and_no_end(freedom: float) -> None:
    from byrote.scores._shadows import Moments, Variances
    from byrote.scores.bavaria import _StudentT

    others = Moments(np.full((1, 1), freedom / 2 + 1), np.zeros((1, 1)), np.full((1, 1), freedom / 2))
    variances = Variances(np.ones(1), np.ones(1), np.full(1, freedom / 2))
    factor = np.sqrt(1 + 1 / (freedom / 2 + 1))
    z = np.linspace(-3, 3, 61)
    t = stats.t.ppf(stats.norm.cdf(z), freedom)
    found = np.array([_StudentT(np.full((1, 1), x * factor), others, variances).normal_deviate()[0, 0] for x in t])
    np.testing.assert_allclose(found, z, atol=0.03)
    far = [_StudentT(np.full((1, 1), x), others, variances).normal_deviate()[0, 0] for x in (1e2, 1e4, 1e8)]
    assert far[0] < far[1] < far[2] < np.inf


def test_without_tails_it_is_lira_with_the_bayesian_variance() -> None:
    loss, member = world(1)
    for online in (True, False):
        expected = lira(loss, member, online=online, variance="bayes")
        np.testing.assert_array_equal(bavaria(loss, member, online=online, tails=False), expected)


@pytest.mark.parametrize("online", [True, False])
def test_with_a_prior_of_many_degrees_of_freedom_it_is_lira_with_the_pooled_variance(online: bool) -> None:
    """Where all variances are equal, up to the factor 1 + 1/n for the mean that was estimated."""
    loss, member = world(3, runs=40, examples=3000, unlike=0.0)
    assert (_shadows.Shadows(logit(loss), member).variances(trained=False).prior_freedom > 100).all()
    pooled, bayes = lira(loss, member, online=online), bavaria(loss, member, online=online)
    assert np.corrcoef(pooled.ravel(), bayes.ravel())[0, 1] > 0.998
    np.testing.assert_allclose(bayes, pooled * (19 / 20) ** (1 if online else 0.5), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("online", [True, False])
def test_with_a_prior_of_no_degrees_of_freedom_the_variance_is_the_own(
    online: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, member = world(4)
    original = _shadows.Shadows.variances

    def flat(self: _shadows.Shadows, *, trained: bool) -> _shadows.Variances:
        found = original(self, trained=trained)
        return _shadows.Variances(found.pooled, found.prior, np.full_like(found.prior_freedom, 1e-12))

    monkeypatch.setattr(_shadows.Shadows, "variances", flat)
    own = lira(loss, member, online=online, variance="own")
    np.testing.assert_allclose(bavaria(loss, member, online=online, tails=False), own, rtol=1e-6)


@pytest.mark.parametrize("runs", [8, 16])
def test_with_few_runs_and_unequal_variances_it_finds_more_than_either(runs: int) -> None:
    rng = np.random.default_rng(5)
    member = balanced(rng, runs, 6000, runs // 2)
    scale = np.exp(0.7 * rng.normal(size=6000))
    loss = to_loss(rng.normal(2, 1, 6000) + (rng.normal(size=member.shape) + 2 * member) * scale)
    found = {v: caught(lira(loss, member, variance=v), member) for v in ("own", "pooled")}
    assert caught(bavaria(loss, member), member) > 1.05 * max(found.values())
    assert area(bavaria(loss, member), member) > area(lira(loss, member, variance="own"), member)
