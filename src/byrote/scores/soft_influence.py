"""Influence of a training example on a target by probabilities, after Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.scores.soft_memorization import check_probabilities
from byrote.signature import score
from byrote.stats.intervals import newcombe


def _interval(
    confidence: Float[ndarray, "run target"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, "example target"], Float[ndarray, "example target"]]:
    inside, n_in, outside, n_out = _sums(confidence, member)
    return newcombe(inside, n_in, outside, n_out, level=level)


@score(high="helps", interval=_interval)
def soft_influence(
    confidence: Float[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, "example target"]:
    """Mean probability of the target's label if trained on the example minus if not: below 0 is harm.

    `influence` with the label's softmax probability in the place of right or wrong, in [-1, 1]. NaN where the example
    was in every run, or in none; a probability that is NaN is left out. An example's influence on itself is its
    `soft_memorization`, and the interval is that one's: too wide rather than too narrow. Raises Unsupported for a value
    outside [0, 1].

    It misleads when many pairs are looked at, as `influence` does. The memory is one block of example x target; take
    the targets in blocks.
    """
    check_probabilities("soft_influence", confidence)
    inside, n_in, outside, n_out = _sums(confidence, member)
    with np.errstate(invalid="ignore", divide="ignore"):
        return inside / n_in - outside / n_out


def _sums(
    confidence: Float[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Return summed probabilities with the example, runs with it, then both without it: [example, target or 1]."""
    told, with_it = ~np.isnan(confidence), member.T.astype(np.float64)
    said = np.where(told, confidence, 0.0).astype(np.float64)
    inside = with_it @ said
    n_in = np.count_nonzero(member, axis=0)[:, None] if told.all() else np.rint(with_it @ told.astype(np.float64))
    n_out = np.count_nonzero(told, axis=0) - n_in
    outside = np.where(n_out > 0, np.maximum(said.sum(axis=0) - inside, 0.0), 0.0)  # nothing is left of rounding
    return inside, n_in, outside, n_out
