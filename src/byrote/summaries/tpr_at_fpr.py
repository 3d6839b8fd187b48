"""True-positive rate at a low false-positive rate, Carlini et al., 2022, arXiv:2112.03570."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_ranking


@dataclass(frozen=True)
class OperatingPoint:
    """Both rates of an attack at one threshold: a value above `threshold` says member.

    `fpr_limit` is the false-positive rate that was allowed, and `fpr_realised` the one that this threshold has.
    """

    tpr: Estimate
    fpr_limit: float
    fpr_realised: Estimate
    threshold: float


@checked
def tpr_at_fpr(
    values: Float[ndarray, " example"],
    positive: Bool[ndarray, " example"],
    *,
    fpr: float,
    level: float = 0.9,
) -> OperatingPoint:
    """True-positive rate with a false-positive rate of at most `fpr`: `fpr` is chance, 1 finds all positives.

    The threshold is a negative's value; the examples strictly above it are called positive, and it is the one
    with the largest realised false-positive rate of at most `fpr`. Both rates have Clopper & Pearson's
    interval (1934). A HIGH value says positive (member), so `loss` has to be negated. Raises Unsupported for
    a NaN, when either side is empty, and when fpr x negatives is below 1: no threshold has such a rate.

    It misleads when ties among the negatives make the realised rate much lower than the one allowed:
    compare attacks at equal realised rates.
    """
    check_ranking("tpr_at_fpr", values, positive)
    negatives = np.sort(values[~positive])[::-1]
    n = len(negatives)
    most = math.floor(fpr * n + 1e-9)  # .29 x 100 is 28.999999999999996
    if not 0 < fpr < 1 or most < 1:
        needed = f"at least {math.ceil(1 / fpr - 1e-9)} negatives" if 0 < fpr < 1 else "a rate between 0 and 1"
        raise Unsupported(f"The false-positive rate is {fpr}, and there are {n} negatives. It needs {needed}.")
    threshold = float(negatives[most])
    return OperatingPoint(
        tpr=_rate(values[positive] > threshold, "positive", level),
        fpr_limit=fpr,
        fpr_realised=_rate(negatives > threshold, "negative", level),
        threshold=threshold,
    )


def _rate(predicted: Bool[ndarray, " example"], unit: str, level: float) -> Estimate:
    return Estimate.of_share(np.count_nonzero(predicted), len(predicted), unit, exact=True, level=level)
