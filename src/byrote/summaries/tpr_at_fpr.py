"""True-positive rate at a low false-positive rate, Carlini et al., 2022, arXiv:2112.03570."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import clopper_pearson
from byrote.summaries._ranking import check_ranking


@dataclass(frozen=True)
class OperatingPoint:
    """What an attack finds at one threshold: a value above `threshold` says member."""

    tpr: Estimate
    fpr_asked: float
    fpr_realised: Estimate
    threshold: float


def tpr_at_fpr(
    values: Float[ndarray, " example"],
    positive: Bool[ndarray, " example"],
    *,
    fpr: float,
    level: float = 0.9,
) -> OperatingPoint:
    """Share of positives found while at most `fpr` of negatives are accused: `fpr` is chance, 1 finds all.

    The threshold is a negative's value; the examples strictly above it are called positive, and it is the one
    with the largest realised false-positive rate of at most `fpr`. Both rates have Clopper & Pearson's
    interval (1934). A HIGH value says positive (member), so `loss` has to be negated. Raises Unsupported for
    a NaN, when either side is empty, and when fpr x negatives is below 1: no threshold has such a rate.

    It misleads when ties among the negatives make the realised rate much lower than the one asked for:
    compare attacks at equal realised rates.
    """
    check_ranking("tpr_at_fpr", values, positive)
    negatives = np.sort(values[~positive])[::-1]
    n = len(negatives)
    accused = math.floor(fpr * n + 1e-9)  # .29 x 100 is 28.999999999999996
    if not 0 < fpr < 1 or accused < 1:
        needed = f"at least {math.ceil(1 / fpr - 1e-9)} negatives" if 0 < fpr < 1 else "a rate between 0 and 1"
        raise Unsupported(
            f"A false-positive rate of {fpr} was asked for, and there are {n} negatives. It needs {needed}."
        )
    threshold = float(negatives[accused])
    return OperatingPoint(
        tpr=_rate(values[positive] > threshold, "positive", level),
        fpr_asked=fpr,
        fpr_realised=_rate(negatives > threshold, "negative", level),
        threshold=threshold,
    )


def _rate(called: Bool[ndarray, " example"], unit: str, level: float) -> Estimate:
    found, n = np.count_nonzero(called), len(called)
    low, high = clopper_pearson(found, n, level=level)
    return Estimate(found / n, float(low), float(high), n, unit, level)
