"""Precision at k with an exact interval, Clopper & Pearson, 1934, Biometrika 26."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_defined, top


@checked
def precision_at_k(
    values: Float[ndarray, " example"],
    positive: Bool[ndarray, " example"],
    *,
    k: int,
    level: float = 0.9,
) -> Estimate:
    """Share of positives among the k examples with the largest values: 1 is a list without a false entry.

    Ties at the cut count by what a random choice among them gives on average, so a value may lie between two
    counts over k. +inf ranks above all. Clopper & Pearson's interval takes the k listed examples as
    independent draws. Raises Unsupported for a NaN, or when k is not between 1 and the number of examples.

    It misleads without the base rate: .5 is poor where half of all examples are positive.
    """
    check_defined("precision_at_k", values)
    if not 1 <= k <= len(values):
        raise Unsupported(
            f"precision_at_k has k={k}, and there are {len(values)} examples. Choose k from 1 to {len(values)}."
        )
    listed = float(np.sum(top(values, k) * positive))
    return Estimate.of_share(listed, k, "example", exact=True, level=level)
