"""Influence of a training example on a target by probabilities, after Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float, Real
from numpy import ndarray

from byrote.scores.soft_memorization import check_probabilities
from byrote.signature import score
from byrote.stats.intervals import newcombe


def _interval(
    confidence: Float[ndarray, "run target"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, "example target"], Float[ndarray, "example target"]]:
    return newcombe(*_sums(confidence, member), level=level)


@score(high="helps", interval=_interval)
def soft_influence(
    confidence: Float[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, "example target"]:
    """Mean probability of the target's label if trained on the example minus if not: below 0 is harm.

    `influence` with the label's softmax probability in the place of right or wrong, in [-1, 1]. NaN where the example
    was in every run, or in none; a probability that is NaN is left out. An example's influence on itself is its
    `soft_memorization`, and the interval is that one's: too wide rather than too narrow. Raises Unsupported for a value
    outside [0, 1].

    It misleads when many pairs are compared, as `influence` does. The memory is examples x targets; pass the targets in
    blocks.
    """
    check_probabilities("soft_influence", confidence)
    in_sum, in_runs, out_sum, out_runs = _sums(confidence, member)
    with np.errstate(invalid="ignore", divide="ignore"):
        return in_sum / in_runs - out_sum / out_runs


def _sums(
    confidence: Float[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> tuple[Real[ndarray, "example #target"], ...]:
    """Return, per example and target: sum over IN runs, IN runs, sum over OUT runs, OUT runs; the runs may be one column."""
    defined, trained = ~np.isnan(confidence), member.T.astype(np.float64)
    values = np.where(defined, confidence, 0.0).astype(np.float64)
    in_sum = trained @ values
    if defined.all():
        in_runs = np.count_nonzero(member, axis=0)[:, None]
    else:
        in_runs = np.rint(trained @ defined.astype(np.float64))
    out_runs = np.count_nonzero(defined, axis=0) - in_runs
    out_sum = np.where(out_runs > 0, np.maximum(values.sum(axis=0) - in_sum, 0.0), 0.0)  # rounding must not go below 0
    return in_sum, in_runs, out_sum, out_runs
