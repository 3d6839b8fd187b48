"""Generalization gap, as the mean of label memorization, Feldman, 2020, arXiv:1906.05271."""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.arrays import checked
from byrote.stats.estimate import Estimate


@checked
def gap(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float = 0.9) -> Estimate:
    """Accuracy of runs on the examples they were trained on minus on the others: 0 is no gap, 1 is all memorized.

    mean over runs of (mean of `correct` over members - mean over non-members), in [-1, 1], over one
    population of examples. In a balanced design (every run as large, every example in as many runs) it equals
    the mean of `memorization` exactly; otherwise it estimates the same number. Student's interval over the
    runs that have both members and non-members (n counts them); NaN where there are none, and no interval
    from one.

    It misleads when read as a distribution: a few examples known by rote have the same gap as all of them memorized
    a little. The interval is about new runs on these examples, not of new examples. It is somewhat too
    narrow where few runs have skewed gaps; see `byrote.stats.intervals.student`.
    """
    members, in_correct = np.count_nonzero(member, axis=1), np.count_nonzero(correct & member, axis=1)
    others, out_correct = np.count_nonzero(~member, axis=1), np.count_nonzero(correct & ~member, axis=1)
    both = (members > 0) & (others > 0)
    gaps = in_correct[both] / members[both] - out_correct[both] / others[both]
    return Estimate.of_mean(gaps, "run", level=level)
