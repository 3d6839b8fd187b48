"""Auditing f-differential privacy in one run, Mahloujifar, Melis & Chaudhuri, 2024, arXiv:2410.22235."""

import math

from scipy.special import log_ndtr, ndtr, ndtri

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries.one_run import Guesses

BISECTIONS = 40
MAX_MU = 64.0
"""Above it normal quantiles overflow; nothing near it is ever rejected."""


@checked
def gaussian_one_run_mu(guesses: Guesses, *, level: float = 0.95) -> Estimate:
    """Lower bound on mu of Gaussian differential privacy from one run: 0 shows no leak, high shows one.

    mu is the distance in standard deviations between what training releases with and without a canary. Of t_i,
    the probability of at least i correct guesses, mu-privacy in each canary demands for every i
    (i t_i + t_i+1 + ... ) / m <= 1 - G(((r - i + 1) t_i-1 - t_i - t_i+1 - ...) / m), with m canaries, r guesses, and
    G the Gaussian trade-off function: the event "this guess is right, and so are i - 1 others or more" against
    the same event with the canary's coin the other way round, averaged over canaries. Starting from t_v = 1 - level for
    v correct guesses, and nothing above v, every t below is at least what these demand (the paper's
    recursion); a mu for which t_0 would exceed 1 is rejected. `value` and `low` are the largest such mu, and
    `high` is infinite.

    It misleads as an estimate: at a small 1 - `level` it stays below the true mu however many canaries there
    are, least so with few and certain guesses. Where the mechanism is not Gaussian no guarantee has this mu, and
    `one_run_epsilon` is the bound.
    """
    if not 0 < level < 1:
        raise Unsupported(f"The level is {level}. Give one between 0 and 1.")
    low, high = 0.0, MAX_MU
    if not _rejected(guesses, 1 - level, low):
        return Estimate.of_lower_bound(0.0, guesses.made, "guess", level=level)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _rejected(guesses, 1 - level, middle) else (low, middle)
    return Estimate.of_lower_bound(low, guesses.made, "guess", level=level)


@checked
def gaussian_one_run_epsilon(guesses: Guesses, *, delta: float, level: float = 0.95) -> Estimate:
    """Lower bound on epsilon at `delta` from one run, if training is a Gaussian mechanism: 0 shows no leak.

    The epsilon at delta of `gaussian_one_run_mu`'s bound. Tighter than `one_run_epsilon` for noisy gradient
    descent, whose privacy is nearly Gaussian. `value` and `low` are the bound, `high` is infinite. In nats.
    Raises Unsupported for a delta that is not between 0 and 1.

    It misleads for any other mechanism: a model trained without noise has no Gaussian trade-off, and for it
    this is an index and not a bound.
    """
    mu = gaussian_one_run_mu(guesses, level=level)
    return Estimate.of_lower_bound(gaussian_epsilon(mu.value, delta=delta), guesses.made, "guess", level=level)


@checked
def gaussian_epsilon(mu: float, *, delta: float) -> float:
    """Epsilon at `delta` of a Gaussian mechanism with this mu: 0 is private, and it rises with mu.

    The root of delta = Phi(mu / 2 - epsilon / mu) - e^epsilon Phi(-mu / 2 - epsilon / mu) (Dong, Roth & Su
    2019, arXiv:1905.02383, corollary 2.13), or 0 where mu is so small that delta covers it.

    It misleads across values of delta: compare at one.
    """
    if not 0 < delta < 1:
        raise Unsupported(f"A Gaussian mechanism has no epsilon at delta {delta}. Give one between 0 and 1.")
    if mu <= 0 or _delta(mu, 0.0) <= delta:
        return 0.0
    low, high = 0.0, 1.0
    while _delta(mu, high) > delta:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _delta(mu, middle) > delta else (low, middle)
    return low


def _delta(mu: float, epsilon: float) -> float:
    return float(ndtr(mu / 2 - epsilon / mu) - math.exp(epsilon + log_ndtr(-mu / 2 - epsilon / mu)))


def _rejected(guesses: Guesses, p: float, mu: float) -> bool:
    """Return whether a probability of at least p for so many correct guesses contradicts mu."""
    m, r = guesses.canaries, guesses.made
    tail, total = p, p  # probability of at least i correct guesses, and its sum over all from i to v
    for i in range(guesses.correct, 0, -1):
        right = (i * tail + total - tail) / m
        wrong = m * float(ndtr(ndtri(right) - mu))
        tail = max(tail, (total + wrong) / (r - i + 1))
        if tail > 1:
            return True
        total += tail
    return False
