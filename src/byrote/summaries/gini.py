"""Gini coefficient, Gini, 1912; of loss sensitivities, Arpit et al., 2017, arXiv:1706.05394."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate


@checked
def gini(values: Float[ndarray, " example"], *, level: float = 0.9) -> Estimate:
    """How unequal the values are: 0 is all equal, 1 is all of the total in one example.

    mean |x_i - x_j| over pairs of different examples / (2 mean x), in [0, 1]: n / (n - 1) times the coefficient that
    also pairs each example with itself, which cannot reach 1. Values that are NaN are left out, and n counts the
    others. NaN below two values, or where all are 0. The interval is Student's around it with the jackknife's standard
    error: it takes the examples as independent draws, can reach beyond 0 and 1, has no width when all are equal, and
    needs three values of which two are above 0. Raises Unsupported for a negative or infinite value.

    It misleads with heavy tails: the largest values decide it, few examples underestimate it, and the interval is too
    narrow.
    """
    x = np.sort(values[~np.isnan(values)]).astype(np.float64)
    n = len(x)
    if n and (x[0] < 0 or np.isinf(x[-1])):
        wrong = np.count_nonzero((x < 0) | np.isinf(x))
        raise Unsupported(
            f"gini needs finite values of at least 0, and {wrong} of {n} are not. Give norms, counts or amounts."
        )
    if n < 2 or x[-1] == 0:
        return Estimate.undefined("example", n=n, level=level)
    x = x / x[-1]
    smaller = np.concatenate([[0.0], np.cumsum(x)[:-1]])
    total, rank = x.sum(), np.arange(n)
    distances = rank * x - smaller + (total - smaller - x) - (n - 1 - rank) * x  # of each value to all others, summed
    all_pairs = distances.sum() / 2
    value = float(all_pairs / ((n - 1) * total))
    if n == 2:
        return Estimate(value, np.nan, np.nan, n, "example", level)
    with np.errstate(invalid="ignore"):
        leave_one_out = (all_pairs - distances) / ((n - 2) * (total - x))
    return Estimate.of_parts(value, leave_one_out, "example", level=level)
