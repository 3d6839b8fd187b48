"""Generalization gap, as the mean of label memorization, Feldman, 2020, arXiv:1906.05271."""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student


def gap(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float = 0.9) -> Estimate:
    """Accuracy on what a run was trained on minus on what it was not: 0 generalizes, 1 is all by rote.

    mean over runs of (mean of `correct` over members - mean over non-members), in [-1, 1], over one
    population of examples. In a balanced design (every run as large, every example in as many runs) it equals
    the mean of `memorization` exactly; otherwise it estimates the same number. Student's interval over the
    runs that have both members and non-members (n counts them); NaN where there are none, and no interval
    from one.

    It misleads when read as a distribution: the same gap is a few examples known by rote, or all of them a
    little. The interval speaks of new runs on these examples, not of new examples.
    """
    inside, right_in = np.count_nonzero(member, axis=1), np.count_nonzero(correct & member, axis=1)
    outside, right_out = np.count_nonzero(~member, axis=1), np.count_nonzero(correct & ~member, axis=1)
    both = (inside > 0) & (outside > 0)
    gaps = right_in[both] / inside[both] - right_out[both] / outside[both]
    n = len(gaps)
    value = float(gaps.mean()) if n else float("nan")
    low, high = student(value, gaps.var(ddof=1) if n > 1 else np.nan, n, level=level)
    return Estimate(value, float(low), float(high), n, "run", level)
