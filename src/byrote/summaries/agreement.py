"""Agreement of two rankings: rank correlation, Spearman, 1904, Bonett & Wright, 2000; overlap of the tops."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import rankdata

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import fisher
from byrote.summaries._ranking import top


@checked
def spearman(a: Float[ndarray, " example"], b: Float[ndarray, " example"], *, level: float = 0.9) -> Estimate:
    """Rank correlation: 1 orders the examples alike, 0 is unrelated, -1 is the reverse order.

    Pearson's correlation of the midranks. +inf ranks above all. Examples with a NaN in either are left out,
    and n counts those that are not. NaN where fewer than two are left or either is constant. Fisher's z
    interval with Bonett & Wright's (2000) variance; none below four pairs.

    It misleads when most of the examples are ties or noise around 0, and the question is about the top.
    """
    both = ~(np.isnan(a) | np.isnan(b))
    return correlation_of_ranks(rankdata(a[both]), rankdata(b[both]), level=level)


def correlation_of_ranks(
    a: Float[ndarray, " example"], b: Float[ndarray, " example"], *, level: float = 0.9
) -> Estimate:
    """Return `spearman` of two arrays that are midranks already: many rankings are compared with each ranked once."""
    value, n = pearson(a, b), len(a)
    return Estimate(value, *fisher(value, n, rank=True, level=level), n, "example", level)


@checked
def top_overlap(
    a: Float[ndarray, " example"], b: Float[ndarray, " example"], *, k: int, level: float = 0.9
) -> Estimate:
    """Share of the k largest values of one score that are among the k largest of the other: 1 is the same list, k/n is chance.

    Ties at a cut count by what a random choice among them gives on average. +inf ranks above all. Examples
    with a NaN in either are left out first; n is k. Wilson's interval takes the k examples as independent
    draws and both cuts as given, which is conservative. Raises Unsupported when k is not between 1 and the
    number of pairs.

    It misleads when compared across k: chance rises with k.
    """
    both = ~(np.isnan(a) | np.isnan(b))
    pairs = np.count_nonzero(both)
    if not 1 <= k <= pairs:
        raise Unsupported(
            f"top_overlap has k={k}, and {pairs} of {len(a)} examples have both values. Choose k from 1 to {pairs}."
        )
    shared = float(np.sum(top(a[both], k) * top(b[both], k)))
    return Estimate.of_share(shared, k, "example", level=level)


def pearson(a: Float[ndarray, " example"], b: Float[ndarray, " example"]) -> float:
    """Return the linear correlation of finite values; NaN below two values or where either is constant."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    x, y = a - a.mean(), b - b.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))
