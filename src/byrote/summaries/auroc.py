"""Area under the ROC curve, DeLong, DeLong & Clarke-Pearson, 1988, Biometrics 44; Newcombe, 2006, Statistics in Medicine 25."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import expit, logit

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import clopper_pearson, normal_quantile, t_quantile
from byrote.summaries._clusters import as_table, two_way_variance
from byrote.summaries._ranking import check_ranking

BISECTIONS = 50


@checked
def auroc(
    values: Float[ndarray, "*run example"], positive: Bool[ndarray, "*run example"], *, level: float = 0.9
) -> Estimate:
    """Probability that a positive has the larger value: 1 ranks positives first, .5 is chance, 0 last.

    P(value of a random positive > value of a random negative) + P(equal) / 2. +inf ranks above all. Arrays are
    `[example]`, or `[run example]` where several runs have a value of each example: the interval is then about new runs and
    new examples (two-way clusters), and n counts the examples. Values of all runs are ranked together.

    The interval is the wider, at each end, of two. One is DeLong's (1988) on the logit scale, with Student's quantile and
    Satterthwaite's degrees of freedom. The other is Newcombe's (2006, method 5), which is not too narrow where few
    positives happen to rank alike. Where DeLong's variance is 0 or undefined (complete separation, all tied, one positive or
    one negative) the first is Clopper & Pearson's for min(positives, negatives) disjoint pairs. In simulations with 20 to 200
    positives, areas of .5 to .98, and normal, exponential, heavy-tailed and mixed values, it holds the area in 85 to 100 % of
    samples at level .9. Raises Unsupported for a NaN, or when either side is empty.

    It misleads as a statement about privacy: an average over all thresholds hides the few examples that leak.
    """
    check_ranking("auroc", values.ravel(), positive.ravel())
    table, member = as_table("auroc", values, positive)
    flat, is_positive = table.ravel(), member.ravel()
    m, n = np.count_nonzero(is_positive), np.count_nonzero(~is_positive)
    positives, negatives = flat[is_positive], flat[~is_positive]
    above = _share_below(positives, np.sort(negatives))  # of each positive: share of negatives below it
    below = 1 - _share_below(negatives, np.sort(positives))
    area = float(above.mean())
    apart = (float(above.var(ddof=1)) / m, float(below.var(ddof=1)) / n) if min(m, n) > 1 else (0.0, 0.0)
    variance = sum(apart)
    pairs, size = float(min(m, n)), 1.0
    if variance > 0 and 0 < area < 1:
        freedom = variance**2 / (apart[0] ** 2 / (m - 1) + apart[1] ** 2 / (n - 1))
        if len(table) > 1:
            part = np.zeros(flat.shape)
            part[is_positive], part[~is_positive] = (above - area) / m, (below - area) / n
            clustered, freedom = two_way_variance(part.reshape(table.shape))
            size = min(1.0, variance / clustered)
            variance = clustered
        half = float(t_quantile(level, freedom)) * np.sqrt(variance) / (area * (1 - area))
        low, high = expit(logit(area) - half), expit(logit(area) + half)
    else:
        if len(table) > 1:
            pairs = float(min(pairs, table.shape[1]))
        low, high = clopper_pearson(area * pairs, pairs, level=level)
    for_few = _newcombe(area, max(m * size, 1.0), max(n * size, 1.0), level)
    return Estimate(area, min(float(low), for_few[0]), max(float(high), for_few[1]), table.shape[1], "example", level)


@checked
def area(values: Float[ndarray, " example"], positive: Bool[ndarray, " example"]) -> float:
    """Return the value of `auroc` alone, in a fraction of the time: for ranks of many runs, or of many shuffles."""
    check_ranking("auroc", values, positive)
    return float(_share_below(np.sort(values[positive]), np.sort(values[~positive])).mean())


def _share_below(values: Float[ndarray, " value"], others: Float[ndarray, " other"]) -> Float[ndarray, " value"]:
    """Return the share of the others, in ascending order, that are smaller than each value; equal ones count half."""
    smaller, not_larger = (np.searchsorted(others, values, side=side) for side in ("left", "right"))
    return (smaller + not_larger) / (2 * len(others))


def _newcombe(area: float, positives: float, negatives: float, level: float) -> tuple[float, float]:
    """Return the areas that differ from this one by z times the standard error that they would have themselves."""
    z2, number = normal_quantile(level) ** 2, (positives + negatives) / 2 - 1

    def beyond(other: float) -> bool:
        spread = 1 + number * (1 - other) / (2 - other) + number * other / (1 + other)
        return (area - other) ** 2 > z2 * other * (1 - other) * spread / (positives * negatives)

    ends: list[float] = []
    for edge in (0.0, 1.0):
        outside, inside = edge, area
        for _ in range(BISECTIONS):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if beyond(middle) else (outside, middle)
        ends.append(edge if area == edge else inside)
    return ends[0], ends[1]
