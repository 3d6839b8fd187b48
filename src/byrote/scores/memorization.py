"""Label memorization, Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.signature import score
from byrote.stats.intervals import newcombe


def _interval(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    return newcombe(*_counts(correct, member), level=level)


@score(high="memorized", interval=_interval)
def memorization(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """P(correct | trained on it) - P(correct | not): 0 is learned from the others, 1 is known by rote.

    mean of `correct` over the runs with the example minus mean over the runs without it (Feldman & Zhang
    2020: the subset estimator), in [-1, 1]. NaN where an example was in every run, or in none.

    It misleads when the subsets are small: a model trained on 70 % of the data is right less often about a left-out
    example than one trained on all other examples, so hard classes look more memorized. Two copies of one example hide
    each other unless they are left out together. A value below 0 is noise or harm, and is not clipped. The interval is
    Newcombe's (1998, method 10): it treats runs as independent and the design as given.
    """
    in_correct, in_runs, out_correct, out_runs = _counts(correct, member)
    with np.errstate(invalid="ignore"):
        return in_correct / in_runs - out_correct / out_runs


def _counts(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> tuple[Int[ndarray, " example"], ...]:
    """Return, per example: correct IN runs, IN runs, correct OUT runs, OUT runs."""
    in_runs, in_correct = np.count_nonzero(member, axis=0), np.count_nonzero(correct & member, axis=0)
    return in_correct, in_runs, np.count_nonzero(correct, axis=0) - in_correct, len(member) - in_runs
