"""Influence of a training example on a target, Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.signature import score
from byrote.stats.intervals import newcombe


def _interval(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, "example target"], Float[ndarray, "example target"]]:
    right_in, inside, right_out, outside = _counts(correct, member)
    return newcombe(right_in, inside, right_out, outside, level=level)


@score(high="helps", interval=_interval)
def influence(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, "example target"]:
    """P(target correct | trained on the example) - P(target correct | not): 1 is all of it, below 0 is harm.

    mean of `correct` of the target over the runs with the example minus mean over the runs without it
    (Feldman & Zhang 2020), in [-1, 1]. NaN where the example was in every run, or in none. An example's
    influence on itself is its memorization.

    It misleads when many pairs are looked at: of a million pairs with no effect, thousands are large by
    chance, so a list needs a false-discovery rate. The memory is one block of example x target; take the
    targets in blocks.
    """
    right_in, inside, right_out, outside = _counts(correct, member)
    with np.errstate(invalid="ignore"):
        return right_in / inside - right_out / outside


def _counts(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Return correct runs with the example, runs with it, then both without it: [example, target or 1]."""
    right_in = member.T.astype(np.float32) @ correct.astype(np.float32)  # exact: counts below 2^24
    inside = np.count_nonzero(member, axis=0)[:, None]
    right_out = np.count_nonzero(correct, axis=0).astype(np.float32) - right_in
    return right_in, inside, right_out, len(member) - inside
