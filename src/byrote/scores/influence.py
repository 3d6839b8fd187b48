"""Influence of a training example on a target, Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float, Real
from numpy import ndarray

from byrote.signature import score
from byrote.stats.intervals import newcombe


def _interval(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, "example target"], Float[ndarray, "example target"]]:
    return newcombe(*_counts(correct, member), level=level)


@score(high="helps", interval=_interval)
def influence(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, "example target"]:
    """P(target correct | trained on the example) - P(target correct | not): 1 decides the target, below 0 is harm.

    mean of `correct` of the target over the runs with the example minus mean over the runs without it
    (Feldman & Zhang 2020), in [-1, 1]. NaN where the example was in every run, or in none. An example's
    influence on itself is its memorization.

    It misleads when many pairs are compared: of a million pairs with no effect, thousands are large by
    chance, so a list needs a false-discovery rate. The memory is examples x targets; pass the targets in blocks.
    """
    in_correct, in_runs, out_correct, out_runs = _counts(correct, member)
    with np.errstate(invalid="ignore"):
        return in_correct / in_runs - out_correct / out_runs


def _counts(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> tuple[Real[ndarray, "example #target"], ...]:
    """Return, per example and target: correct IN runs, IN runs, correct OUT runs, OUT runs; the runs as one column."""
    in_correct = member.T.astype(np.float32) @ correct.astype(np.float32)  # exact: counts below 2^24
    in_runs = np.count_nonzero(member, axis=0)[:, None]
    out_correct = np.count_nonzero(correct, axis=0).astype(np.float32) - in_correct
    return in_correct, in_runs, out_correct, len(member) - in_runs
