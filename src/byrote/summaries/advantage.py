"""Membership advantage, Yeom et al., 2018, arXiv:1709.01604, and balanced accuracy, at a threshold chosen on other data."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_ranking
from byrote.summaries.clopper_pearson_epsilon import first_half


@checked
def advantage(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, level: float = 0.9, seed: int = 0
) -> Estimate:
    """True-positive rate minus false-positive rate: 0 is chance, 1 finds all members without a false positive.

    The largest TPR - FPR of a curve is above 0 on noise, since its threshold was chosen on the same examples.
    Here each random half (of members and of others) is judged at the threshold that is best on the other half,
    so that noise averages 0, and a signal a little less than at the best threshold of all. Newcombe's
    interval (1998, method 10) of the two rates, both halves together. Below 0 is worse than chance, and not clipped.
    Raises Unsupported for a NaN, and below two members or two others.

    It misleads as a statement about privacy: it is an average over members, and its threshold serves the many.
    """
    check_ranking("advantage", values, member)
    first = first_half("advantage", member, seed)
    predicted = np.zeros(len(values), np.bool_)
    for half in (first, ~first):
        predicted[half] = values[half] > _best_threshold(values[~half], member[~half])
    return _difference(predicted, member, level)


@checked
def advantage_at(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, threshold: float, level: float = 0.9
) -> Estimate:
    """True-positive rate minus false-positive rate at a threshold fixed in advance: 0 is chance, 1 is perfect.

    A value above the threshold says member. Newcombe's interval (1998, method 10). Raises Unsupported for a NaN,
    or when either side is empty.

    It misleads when the threshold was chosen on these examples: then it is too large, and so is its interval's low end.
    """
    check_ranking("advantage_at", values, member)
    return _difference(values > threshold, member, level)


@checked
def balanced_accuracy(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, level: float = 0.9, seed: int = 0
) -> Estimate:
    """Mean of the true-positive and the true-negative rate: .5 is chance, 1 is perfect.

    (1 + `advantage`) / 2, with the threshold chosen on other examples in the same way.

    It misleads as `advantage` does: .51 may be all members a little, or 2 % of them for certain.
    """
    return advantage(values, member, level=level, seed=seed).transformed(_accuracy)


@checked
def balanced_accuracy_at(
    values: Float[ndarray, " example"], member: Bool[ndarray, " example"], *, threshold: float, level: float = 0.9
) -> Estimate:
    """Mean of the true-positive and the true-negative rate at a threshold fixed in advance: .5 is chance, 1 is perfect.

    (1 + `advantage_at`) / 2.

    It misleads when the threshold was chosen on these examples.
    """
    return advantage_at(values, member, threshold=threshold, level=level).transformed(_accuracy)


def _best_threshold(values: Float[ndarray, " example"], member: Bool[ndarray, " example"]) -> float:
    """Return the value (or -inf) above which TPR - FPR is largest; the middle one of equals."""
    thresholds = np.concatenate([[-np.inf], np.unique(values)])
    members, others = np.sort(values[member]), np.sort(values[~member])
    tpr = 1 - np.searchsorted(members, thresholds, side="right") / len(members)
    fpr = 1 - np.searchsorted(others, thresholds, side="right") / len(others)
    best = np.flatnonzero(tpr - fpr >= np.max(tpr - fpr) - 1e-12)
    return float(thresholds[best[len(best) // 2]])


def _difference(predicted: Bool[ndarray, " example"], member: Bool[ndarray, " example"], level: float) -> Estimate:
    true_positives, positives = np.count_nonzero(predicted & member), np.count_nonzero(member)
    false_positives, negatives = np.count_nonzero(predicted & ~member), np.count_nonzero(~member)
    return Estimate.of_difference(true_positives, positives, false_positives, negatives, "example", level=level)


def _accuracy(advantage: float) -> float:
    return (1 + advantage) / 2
