"""Area under the ROC curve with DeLong's variance, DeLong, DeLong & Clarke-Pearson, 1988, Biometrics 44."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import expit, logit
from scipy.stats import rankdata

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import clopper_pearson, normal_quantile
from byrote.summaries._ranking import check_ranking


@checked
def auroc(values: Float[ndarray, " example"], positive: Bool[ndarray, " example"], *, level: float = 0.9) -> Estimate:
    """Probability that a positive has the larger value: 1 ranks positives first, .5 is chance, 0 last.

    P(value of a random positive > value of a random negative) + P(equal) / 2. +inf ranks above all. The
    interval is DeLong's (1988) on the logit scale, from placements by midranks. Where that variance is 0 or
    undefined (complete separation, all tied, one positive or one negative) it is Clopper & Pearson's for
    min(positives, negatives) disjoint pairs, which is wider, exact under complete separation, and never of
    zero width. Raises Unsupported for a NaN, or when either side is empty.

    It misleads as a statement about privacy: an average over all thresholds hides the few examples that leak.
    """
    check_ranking("auroc", values, positive)
    m, n = np.count_nonzero(positive), np.count_nonzero(~positive)
    ranks = rankdata(values)
    above = (ranks[positive] - rankdata(values[positive])) / n  # of each positive: share of negatives below it
    below = 1 - (ranks[~positive] - rankdata(values[~positive])) / m
    area = float(above.mean())
    variance = above.var(ddof=1) / m + below.var(ddof=1) / n if min(m, n) > 1 else 0.0
    if variance > 0:
        half = normal_quantile(level) * np.sqrt(variance) / (area * (1 - area))
        low, high = expit(logit(area) - half), expit(logit(area) + half)
    else:
        pairs = min(m, n)
        low, high = clopper_pearson(area * pairs, pairs, level=level)
    return Estimate(area, float(low), float(high), len(values), "example", level)
