"""Label memorization (Feldman & Zhang, 2020, arXiv:2008.03703) by empirical Bayes (Efron & Morris, 1973); docs/theory.md."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.scores._empirical_bayes import Posterior, posteriors
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
    p_in, p_out = _posteriors(correct, margin, correctness, member)
    return beta_difference(p_in.mean, p_in.variance, p_out.mean, p_out.variance, level=level)


@score(high="memorized", interval=_interval)
def shrunk_memorization(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
) -> Float[ndarray, " example"]:
    """P(correct | trained on it) - P(correct | not), about as precise as `memorization` from twice as many runs.

    The posterior mean of the first probability minus that of the second, in [-1, 1]. A posterior combines how often the
    runs were right, their margins, the margins of the runs of the other kind (trained on it, or not), and how easily it
    was learned (`correctness`, of the members), each weighted by how well it predicts held-out runs. NaN where an example
    was in every run, or in none. With many runs it is `memorization`: the counts outweigh all else.

    `correctness` is the one-run score of that name in each run. Where training recorded none of it, it is NaN, and the
    other three are used.

    It misleads for the one example that is unlike all others: it is shrunk towards what such margins mean for most.
    The interval is calibrated on average over the examples of a record, not for each of them, and it is too
    narrow for outliers. As for `memorization`, copies hide each other, and the subsets are part of
    the definition.
    """
    p_in, p_out = _posteriors(correct, margin, correctness, member)
    return p_in.mean - p_out.mean


def _posteriors(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
) -> tuple[Posterior, Posterior]:
    """Return the posteriors of both probabilities, NaN where an example was in every run, or in none."""
    defined = member.any(axis=0) & ~member.all(axis=0)
    p_in, p_out = posteriors(correct, margin, correctness, member)
    return (
        Posterior(np.where(defined, p_in.mean, np.nan), p_in.variance),
        Posterior(np.where(defined, p_out.mean, np.nan), p_out.variance),
    )
