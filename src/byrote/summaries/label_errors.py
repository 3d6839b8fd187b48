"""Precision and recall of a list of suspected labels at every cut-off, with exact intervals, Clopper & Pearson, 1934."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.stats.intervals import clopper_pearson
from byrote.summaries._ranking import check_ranking


@dataclass(frozen=True)
class LabelErrors:
    """For each list of the examples with a value of at least `cut`: its length, and its precision and recall with intervals."""

    cut: Float[ndarray, " cut"]
    listed: Int[ndarray, " cut"]
    precision: Float[ndarray, " cut"]
    precision_low: Float[ndarray, " cut"]
    precision_high: Float[ndarray, " cut"]
    recall: Float[ndarray, " cut"]
    recall_low: Float[ndarray, " cut"]
    recall_high: Float[ndarray, " cut"]
    base_rate: float
    level: float


@checked
def label_errors(
    values: Float[ndarray, " example"], wrong: Bool[ndarray, " example"], *, level: float = 0.9
) -> LabelErrors:
    """Precision and recall of listing the examples with the largest values as wrongly labelled: 1 and 1 is perfect.

    One entry for each distinct value, the largest first, so examples with equal values are listed together or
    not at all. precision = wrong ones listed / listed; recall = wrong ones listed / all wrong ones. A HIGH
    value is a suspect, so `aum` has to be negated. +inf ranks above all. Clopper & Pearson's intervals hold for
    each cut-off alone, with the cut-off given. Raises Unsupported for a NaN, and without both kinds.

    It misleads when the cut-off is chosen on it and then quoted: the best of many is too good. And the
    precision on planted errors is that of planted errors: real ones are harder to see, and rarer.
    """
    check_ranking("label_errors", values, wrong)
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    listed, true_positives, total = last + 1, np.cumsum(wrong[order])[last], np.count_nonzero(wrong)
    precision_low, precision_high = clopper_pearson(true_positives, listed, level=level)
    recall_low, recall_high = clopper_pearson(true_positives, total, level=level)
    return LabelErrors(
        cut=ranked[last],
        listed=listed,
        precision=true_positives / listed,
        precision_low=precision_low,
        precision_high=precision_high,
        recall=true_positives / total,
        recall_low=recall_low,
        recall_high=recall_high,
        base_rate=total / len(values),
        level=level,
    )
