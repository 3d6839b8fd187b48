"""Membership advantage, Yeom et al., 2018, arXiv:1709.01604, and balanced accuracy, at a threshold chosen on other data."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.stats.estimate import Estimate
from byrote.stats.intervals import newcombe
from byrote.summaries._ranking import check_ranking
from byrote.summaries.clopper_pearson_epsilon import first_half


def advantage(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, level: float = 0.9, seed: int = 0
) -> Estimate:
    """True-positive rate minus false-positive rate: 0 is chance, 1 tells all members; below 0 is worse than chance.

    The largest TPR - FPR of a curve is above 0 on noise, since its threshold was chosen on the same examples.
    Here each random half (of members and of others) is judged at the threshold that is best on the other half,
    so that noise averages 0, and a signal a little less than at the best threshold of all. Newcombe's
    interval (1998, method 10) of the two rates, both halves together. Negative values are not clipped.
    Raises Unsupported for a NaN, and below two members or two others.

    It misleads as a statement about privacy: it is an average over members, and its threshold serves the many.
    """
    check_ranking("advantage", values, member)
    first = first_half("advantage", member, seed)
    called = np.zeros(len(values), np.bool_)
    for judged in (first, ~first):
        called[judged] = values[judged] > _best_threshold(values[~judged], member[~judged])
    return _difference(called, member, level)


def advantage_at(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, threshold: float, level: float = 0.9
) -> Estimate:
    """True-positive rate minus false-positive rate at a threshold fixed in advance: 0 is chance, 1 tells all members.

    A value above the threshold says member. Newcombe's interval (1998, method 10). Raises Unsupported for a NaN,
    or when either side is empty.

    It misleads when the threshold was chosen on these examples: then it is too large, and so is its interval's low end.
    """
    check_ranking("advantage_at", values, member)
    return _difference(values > threshold, member, level)


def balanced_accuracy(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, level: float = 0.9, seed: int = 0
) -> Estimate:
    """Mean of the true-positive and the true-negative rate: .5 is chance, 1 tells all members from all others.

    (1 + `advantage`) / 2, with the threshold chosen on other examples in the same way.

    It misleads as `advantage` does: .51 may be everyone a little, or 2 % of the members for certain.
    """
    return _halved(advantage(values, member, level=level, seed=seed))


def balanced_accuracy_at(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, threshold: float, level: float = 0.9
) -> Estimate:
    """Mean of the true-positive and the true-negative rate at a threshold fixed in advance: .5 is chance, 1 is all.

    (1 + `advantage_at`) / 2.

    It misleads when the threshold was chosen on these examples.
    """
    return _halved(advantage_at(values, member, threshold=threshold, level=level))


def _best_threshold(values: Float[ndarray, " example"], member: Bool[ndarray, " example"]) -> float:
    """Return the value (or -inf) above which TPR - FPR is largest; the middle one of equals."""
    thresholds = np.concatenate([[-np.inf], np.unique(values)])
    inside, outside = np.sort(values[member]), np.sort(values[~member])
    tpr = 1 - np.searchsorted(inside, thresholds, side="right") / len(inside)
    fpr = 1 - np.searchsorted(outside, thresholds, side="right") / len(outside)
    best = np.flatnonzero(tpr - fpr >= np.max(tpr - fpr) - 1e-12)
    return float(thresholds[best[len(best) // 2]])


def _difference(called: Bool[ndarray, " example"], member: Bool[ndarray, " example"], level: float) -> Estimate:
    found, positives = np.count_nonzero(called & member), np.count_nonzero(member)
    accused, negatives = np.count_nonzero(called & ~member), np.count_nonzero(~member)
    low, high = newcombe(found, positives, accused, negatives, level=level)
    return Estimate(found / positives - accused / negatives, float(low), float(high), len(member), "example", level)


def _halved(found: Estimate) -> Estimate:
    return Estimate((1 + found.value) / 2, (1 + found.low) / 2, (1 + found.high) / 2, found.n, found.unit, found.level)
