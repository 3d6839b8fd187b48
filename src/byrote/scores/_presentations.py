"""Sums and means over the presentations of an example: the steps at which training used it; values are NaN at the others."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def mean(values: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Return the mean over the presentations of each example; NaN where there are none."""
    seen = np.count_nonzero(~np.isnan(values), axis=0)
    return total(values) / np.where(seen > 0, seen, 1)


def total(values: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Return the sum over the presentations of each example in float64; NaN where there are none."""
    missing = np.isnan(values)
    with np.errstate(invalid="ignore"):  # inf - inf of a run that diverged is NaN, and that is the answer
        sums = np.sum(values, axis=0, dtype=np.float64, where=~missing)
    return np.where(missing.all(axis=0), np.nan, sums)
