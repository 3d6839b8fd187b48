"""Label memorization (Feldman & Zhang, 2020, arXiv:2008.03703) by empirical Bayes (Efron & Morris, 1973); docs/theory.md."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.scores._empirical_bayes import Belief, beliefs
from byrote.signature import score
from byrote.stats.intervals import beta_difference


def _interval(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    level: float,
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    inside, outside = _beliefs(correct, margin, correctness, member)
    return beta_difference(inside.mean, inside.variance, outside.mean, outside.variance, level=level)


@score(high="memorized", interval=_interval)
def shrunk_memorization(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
) -> Float[ndarray, " example"]:
    """P(correct | trained on it) - P(correct | not), as `memorization` estimates it from about twice the runs.

    The mean belief about the first probability minus that about the second, in [-1, 1]. A belief weighs how often
    the example was right, its margins in these runs, its margins in the other runs, and how easy training found it
    (`correctness`, of the members), by how well they predict held-out runs. NaN where an example was in every run,
    or in none. With many runs it is `memorization`: counts of right and wrong outweigh all else.

    `correctness` is the one-run score of that name in each run. Where training recorded none of it, it is NaN, and
    the margins have to do alone.

    It misleads for the one example that is unlike all others: it is drawn towards what such margins mean for most.
    The interval is calibrated on average over the examples of a record, not for each of them, and it is too
    narrow for the few that stand out. As of `memorization`, copies hide each other, and the subsets are part of
    the definition.
    """
    inside, outside = _beliefs(correct, margin, correctness, member)
    return inside.mean - outside.mean


def _beliefs(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
) -> tuple[Belief, Belief]:
    """Return the beliefs about both probabilities, NaN where an example was in every run, or in none."""
    defined = member.any(axis=0) & ~member.all(axis=0)
    inside, outside = beliefs(correct, margin, correctness, member)
    return (
        Belief(np.where(defined, inside.mean, np.nan), inside.variance),
        Belief(np.where(defined, outside.mean, np.nan), outside.variance),
    )
