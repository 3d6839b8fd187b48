"""Privacy auditing with one training run, Steinke, Nasr & Jagielski, 2023, arXiv:2305.08846."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import special

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_defined

BISECTIONS = 60
"""Halvings of an interval of epsilon: to the last digit of a float."""


@dataclass(frozen=True)
class Guesses:
    """Guesses of membership: `made` of them about `canaries` that each flipped a fair coin, and `correct` of these right."""

    correct: int
    made: int
    canaries: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.made <= self.canaries:
            raise Unsupported(
                f"{self.correct} of {self.made} guesses about {self.canaries} canaries cannot be right. "
                "Give 0 <= correct <= made <= canaries."
            )


@checked
def guess_membership(
    values: Float[ndarray, " example"],
    member: Bool[ndarray, " example"],
    *,
    guess_in: int,
    guess_out: int,
    seed: int = 0,
) -> Guesses:
    """Guess `in` for the `guess_in` canaries with the largest values, and `out` for the `guess_out` with the smallest.

    The auditor abstains on the rest. Ties at a cut are broken at random (`seed`), never by position. Both numbers
    have to be fixed before the run: chosen as the best for these very values they make the bound of `one_run_epsilon`
    too high. `held_out_guesses` chooses them on other canaries. Raises Unsupported for a NaN, and for more guesses than
    there are canaries.

    It misleads on canaries that did not flip their own coins, such as exactly half of all.
    """
    check_defined("guess_membership", values)
    n = len(values)
    if guess_in < 0 or guess_out < 0 or guess_in + guess_out > n:
        raise Unsupported(
            f"{n} canaries cannot have {guess_in} guesses of in and {guess_out} of out. "
            "Give no more guesses than canaries, and none below 0."
        )
    ordered = member[_order(values, seed)]
    correct = int(np.count_nonzero(ordered[n - guess_in :]) + np.count_nonzero(~ordered[:guess_out]))
    return Guesses(correct, guess_in + guess_out, n)


@checked
def held_out_guesses(
    values: Float[ndarray, " example"],
    member: Bool[ndarray, " example"],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Guesses:
    """Choose how many guesses to make on one random half of the canaries, and make them on the other half.

    Only the other half is in the result, so an epsilon from it keeps its level. All pairs of about ten numbers each are
    tried, and the one with the largest bound at delta 0 is taken. Raises Unsupported for a NaN, and below four
    canaries.

    It misleads with few canaries: half of them are used for the choice.
    """
    check_defined("held_out_guesses", values)
    n = len(values)
    if n < 4:
        raise Unsupported(f"held_out_guesses cannot halve {n} canaries. Plant more, or fix the numbers of guesses.")
    order = np.random.default_rng([seed, 1]).permutation(n)
    first, second = order[: n // 2], order[n // 2 :]
    guess_in, guess_out = _best_numbers(values[first], member[first], level, seed)
    return guess_membership(values[second], member[second], guess_in=guess_in, guess_out=guess_out, seed=seed)


@checked
def one_run_epsilon(guesses: Guesses, *, delta: float = 0.0, level: float = 0.95) -> Estimate:
    """Lower bound on epsilon from one run: 0 shows no leak; a value rejects every smaller (epsilon, delta) guarantee.

    If training is (epsilon, delta)-differentially private in each canary, then P(correct >= v) <= f(v) +
    2 m delta max_i (f(v - i) - f(v)) / i, where m is the number of canaries and f(v) the probability that a
    binomial of `made` trials at e^epsilon / (e^epsilon + 1) reaches v (corollary 5.4). `value` and `low` are the
    largest epsilon that this rejects at 1 - `level`; `high` is infinite, since no audit bounds epsilon from
    above. In nats, and never below 0. With delta = 0 and all r guesses right it is -ln(p^(-1/r) - 1) at
    p = 1 - level. No guesses give 0.

    It misleads as a measure of privacy: a weak attack gives a small bound on a model that leaks everything. It is no
    bound for canaries whose membership was not a fair coin of its own, or when the numbers of guesses were chosen on the
    canaries that it counts.
    """
    p = check_guarantee(delta, level)
    bound = _pure_epsilon(guesses.correct, guesses.made, p)
    if delta > 0 and bound > 0:
        bound = _largest_rejected(guesses, delta, p, float(bound))
    return Estimate.of_lower_bound(float(bound), guesses.made, "guess", level=level)


@checked
def one_run_p_value(guesses: Guesses, *, epsilon: float, delta: float = 0.0) -> float:
    """Largest probability of so many correct guesses if training is (epsilon, delta)-private: a small one is evidence against it.

    Steinke, Nasr & Jagielski's corollary 5.4, at most 1.

    It misleads as the probability that the guarantee holds.
    """
    v, r = guesses.correct, guesses.made
    q = special.expit(epsilon)
    tail = float(special.betainc(v, r - v + 1, q)) if v > 0 else 1.0
    if delta == 0 or v == 0:
        return tail
    just_below = np.cumsum(_binomial(np.arange(v - 1, -1, -1), r, q))
    return min(1.0, tail + 2 * guesses.canaries * delta * float(np.max(just_below / np.arange(1, v + 1))))


def _binomial(successes: Int[ndarray, " number"], trials: int, p: float) -> Float[ndarray, " number"]:
    """Return the probability of each number of successes."""
    ways = special.gammaln(trials + 1) - special.gammaln(successes + 1) - special.gammaln(trials - successes + 1)
    return np.exp(ways + special.xlogy(successes, p) + special.xlog1py(trials - successes, -p))


def check_guarantee(delta: float, level: float) -> float:
    """Return 1 - level, the probability of error; raise Unsupported for a delta or a level that is no probability."""
    if not (0 <= delta < 1 and 0 < level < 1):
        raise Unsupported(
            f"There is no epsilon at delta {delta} and level {level}. Give delta in [0, 1) and level in (0, 1)."
        )
    return 1 - level


def _order(values: Float[ndarray, " example"], seed: int) -> Int[ndarray, " example"]:
    """Return the order from the smallest to the largest value, ties at random."""
    return np.lexsort((np.random.default_rng(seed).random(len(values)), values))


def _pure_epsilon(
    correct: Int[ndarray, "*choice"] | int, made: Int[ndarray, "*choice"] | int, p: float
) -> Float[ndarray, "*choice"]:
    """Return the epsilon at which so many correct guesses or more have the probability p, or 0 (Clopper & Pearson)."""
    v, r = np.asarray(correct, np.float64), np.asarray(made, np.float64)
    q = np.where(v > 0, special.betaincinv(np.maximum(v, 1), r - v + 1, p), 0.0)
    return np.asarray(special.logit(np.maximum(q, 0.5)))


def _largest_rejected(guesses: Guesses, delta: float, p: float, at_delta_0: float) -> float:
    """Return the largest epsilon that is rejected at p, which is at most the one at delta 0."""
    low, high = 0.0, at_delta_0
    if one_run_p_value(guesses, epsilon=low, delta=delta) >= p:
        return 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if one_run_p_value(guesses, epsilon=middle, delta=delta) < p:
            low = middle
        else:
            high = middle
    return low


def _best_numbers(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], level: float, seed: int
) -> tuple[int, int]:
    """Return how often to guess in and out, for the largest bound on these canaries."""
    n = len(values)
    ordered = member[_order(values, seed)]
    numbers = np.unique(np.concatenate([[0], np.geomspace(1, n, 10).astype(np.int64)]))
    in_correct = np.concatenate([[0], np.cumsum(ordered[::-1])])[numbers]
    out_correct = np.concatenate([[0], np.cumsum(~ordered)])[numbers]
    made = numbers[:, None] + numbers
    bound = _pure_epsilon(in_correct[:, None] + out_correct, made, 1 - level)
    preferred = bound + 1e-9 * made  # more guesses, if all show nothing
    best = np.argmax(np.where((made <= n) & (made > 0), preferred, -np.inf))
    guess_in, guess_out = np.unravel_index(best, bound.shape)
    return int(numbers[guess_in]), int(numbers[guess_out])
