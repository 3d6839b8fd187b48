"""The f-DP audit against the paper's recursion, exact chances of Gaussian mechanisms, and audits of nothing."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from byrote.errors import InvalidData, Unsupported
from byrote.summaries import (
    Guesses,
    gaussian_epsilon,
    gaussian_one_run_epsilon,
    gaussian_one_run_mu,
    guess_membership,
    one_run_epsilon,
)
from nominal import at_most_the_nominal_share


def _contradicted(guesses: Guesses, p: float, mu: float) -> bool:
    """The paper's two sequences: right guesses and wrong guesses in the tail, over all canaries."""
    m, made, correct = guesses.canaries, guesses.made, guesses.correct
    right, wrong = p * correct / m, p * (made - correct) / m
    for i in range(correct - 1, -1, -1):
        more = max(wrong, stats.norm.cdf(stats.norm.ppf(right) - mu))
        right += i / (made - i) * (more - wrong)
        wrong = more
    return right + wrong > made / m


@pytest.mark.parametrize(
    "guesses", [Guesses(9, 10, 10), Guesses(70, 100, 100), Guesses(40, 40, 1000), Guesses(95, 100, 500)]
)
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_equals_the_papers_recursion(guesses: Guesses, level: float) -> None:
    bound = gaussian_one_run_mu(guesses, level=level)
    assert 0 < bound.value < 6
    assert _contradicted(guesses, 1 - level, bound.value - 1e-6)
    assert not _contradicted(guesses, 1 - level, bound.value + 1e-6)
    assert (bound.low, bound.high, bound.n, bound.unit) == (bound.value, math.inf, guesses.made, "guess")


def test_the_single_guess_is_the_two_point_test() -> None:
    """One canary, one guess, right with at least p: only p > Phi(mu / 2) contradicts, at the point of equal errors."""
    for mu in (0.5, 1.0, 2.0):
        edge = stats.norm.cdf(mu / 2)
        assert gaussian_one_run_mu(Guesses(1, 1, 1), level=1 - edge - 1e-6).value > mu - 1e-4
        assert gaussian_one_run_mu(Guesses(1, 1, 1), level=1 - edge + 1e-6).value < mu + 1e-4


@pytest.mark.parametrize("mu", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("m", [1, 7, 60])
def test_a_gaussian_mechanism_never_contradicts_its_own_mu(m: int, mu: float) -> None:
    """Independent noise on every canary, the sign guessed: the exact chance of v right is a binomial tail."""
    for v in range(m + 1):
        chance = float(stats.binom.sf(v - 1, m, stats.norm.cdf(mu / 2)))
        if 0 < chance < 1:
            assert gaussian_one_run_mu(Guesses(v, m, m), level=1 - chance).value <= mu + 1e-6


@pytest.mark.parametrize("mu", [0.5, 1.0, 2.0])
def test_canaries_that_leak_together_come_close_to_their_mu_and_never_pass_it(mu: float) -> None:
    """The size of the noisy signal |x| is one for all canaries, its sign each one's own: each sees a Gaussian mechanism.

    Given |x|, a sign is right with odds e^(mu |x|), so the exact chance of v right is an integral of binomial tails.
    """
    m, x = 60, np.linspace(0, 12, 4001)
    density = stats.norm.pdf(x - mu / 2) + stats.norm.pdf(x + mu / 2)
    bounds: list[float] = []
    for v in range(m // 2, m + 1):
        chance = float(np.trapezoid(density * stats.binom.sf(v - 1, m, expit(mu * x)), x))
        bounds.append(gaussian_one_run_mu(Guesses(v, m, m), level=1 - chance).value)
    assert 0.75 * mu < max(bounds) <= mu + 1e-6


def test_nothing_is_exceeded_in_at_most_the_nominal_share() -> None:
    rng = np.random.default_rng(0)
    exceeded = 0
    for _ in range(2000):
        values, member = rng.normal(size=60), rng.random(60) < 0.5
        guesses = guess_membership(values, member, guess_in=15, guess_out=15)
        exceeded += gaussian_one_run_epsilon(guesses, delta=1e-5).value > 0
    at_most_the_nominal_share(exceeded)
    assert exceeded > 0


def test_a_true_mu_of_one_is_exceeded_in_at_most_the_nominal_share() -> None:
    rng = np.random.default_rng(1)
    exceeded = 0
    for _ in range(500):
        member = rng.random(100) < 0.5
        guesses = guess_membership(rng.normal(size=100) + member, member, guess_in=10, guess_out=10)
        exceeded += gaussian_one_run_mu(guesses).value > 1
    at_most_the_nominal_share(exceeded, 500)


def test_it_is_tighter_than_the_pure_bound_for_a_gaussian_mechanism() -> None:
    rng = np.random.default_rng(2)
    member = rng.random(10_000) < 0.5
    guesses = guess_membership(rng.normal(size=10_000) + 2 * member, member, guess_in=100, guess_out=100)
    truth = gaussian_epsilon(2.0, delta=1e-5)
    assert one_run_epsilon(guesses, delta=1e-5).value < gaussian_one_run_epsilon(guesses, delta=1e-5).value < truth


@pytest.mark.parametrize("mu", [0.05, 0.5, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("delta", [1e-6, 1e-3])
def test_epsilon_of_mu_is_the_largest_gap_over_all_tests(mu: float, delta: float) -> None:
    """delta(epsilon) = max over thresholds of TPR - e^epsilon FPR, by a fine grid around its known place."""
    epsilon = gaussian_epsilon(mu, delta=delta)
    threshold = np.linspace(-30, 30, 200_001) + epsilon / mu
    gap = stats.norm.sf(threshold - mu / 2) - np.exp(epsilon + stats.norm.logsf(threshold + mu / 2))
    assert gap.max() == pytest.approx(delta, rel=1e-4) if epsilon > 0 else gap.max() <= delta


def test_no_mu_and_a_large_delta_are_private() -> None:
    assert gaussian_epsilon(0.0, delta=1e-5) == 0
    assert gaussian_epsilon(0.1, delta=0.5) == 0
    assert gaussian_one_run_mu(Guesses(0, 0, 5)).value == 0
    assert gaussian_one_run_mu(Guesses(0, 5, 5)).value == 0


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"delta 0\.0.*between 0 and 1"):
        gaussian_one_run_epsilon(Guesses(1, 1, 1), delta=0.0)
    with pytest.raises(InvalidData, match=r"`level` is 1\.0.*between 0 and 1"):
        gaussian_one_run_mu(Guesses(1, 1, 1), level=1.0)
