"""How much of a list of the top k is right, by posterior draws of all values, Laird & Louis, 1989, J. Educ. Stat. 14."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import normal_quantile
from byrote.summaries._ranking import check_defined, top

DRAWS = 200
"""Draws of the true values, given their intervals."""


@checked
def expected_top(
    value: Float[ndarray, " example"],
    low: Float[ndarray, " example"],
    high: Float[ndarray, " example"],
    *,
    k: int,
    level: float = 0.9,
    seed: int = 0,
) -> Estimate:
    """Share of the k examples with the largest estimates that are expected among the k largest true values: 1 is all.

    True values are drawn around the estimates: normal above and below, each with the width of its side of the interval (`low`
    and `high` bound a value at `level`), independent over examples. The value is the mean over DRAWS draws, and the interval
    holds the share `level` of them. Raises Unsupported for a NaN, or when k is not between 1 and the number of examples.

    It misleads where more than k true values are nearly equal at the top: which of them are first is then chance, and the
    share is low however well each value is known.
    """
    for each in (value, low, high):
        check_defined("expected_top", each)
    if not 1 <= k <= len(value):
        raise Unsupported(
            f"expected_top has k={k}, and there are {len(value)} examples. Choose k from 1 to {len(value)}."
        )
    rng, listed, deviation = np.random.default_rng(seed), top(value, k), normal_quantile(level)
    above, below = (high - value) / deviation, (value - low) / deviation
    shares: list[float] = []
    for _ in range(DRAWS):
        normal = rng.standard_normal(len(value))
        shares.append(float(np.sum(listed * top(value + normal * np.where(normal > 0, above, below), k)) / k))
    ends = np.quantile(shares, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(float(np.mean(shares)), float(ends[0]), float(ends[1]), k, "example", level)
