"""The whole ROC curve with a simultaneous band, from equal local levels, Berk & Jones, 1979; Owen, 1995, JASA 90."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import special

from byrote.arrays import checked
from byrote.summaries._clusters import as_table, effective_number
from byrote.summaries._ranking import check_ranking

DRAWS = 4000
POINTS = 60


@dataclass(frozen=True)
class Roc:
    """Both rates at every threshold, from the highest to the lowest; the true curve is between `low` and `high` at `level`."""

    fpr: Float[ndarray, " threshold"]
    tpr: Float[ndarray, " threshold"]
    low: Float[ndarray, " threshold"]
    high: Float[ndarray, " threshold"]
    threshold: Float[ndarray, " threshold"]
    positives: int
    negatives: int
    level: float


@checked
def roc(values: Float[ndarray, "*run example"], positive: Bool[ndarray, "*run example"], *, level: float = 0.9) -> Roc:
    """True-positive rate against false-positive rate at every threshold: the diagonal is chance.

    A value above the threshold says positive; the first threshold is +inf and the last -inf. `low` and `high` at a
    false-positive rate enclose the true curve there, at all rates at once with probability `level`: both true
    rates are enclosed at every threshold by bounds with equal local levels, so the band is of use at low
    rates too, where one of constant width says nothing. The local level is found from 4,000 seeded draws of
    uniform order statistics. Arrays `[run example]` hold the values of several runs, at one threshold for all: each rate then
    counts as many independent values as have its variance over runs and examples, the fewest at nine thresholds, so the band
    is wide rather than narrow. Draw both axes as logarithms: privacy is lost in the lower left corner. Raises
    Unsupported for a NaN, or when either side is empty.

    It misleads at rates below one in the number of negatives: there the curve is 0 for lack of data, and `high` is not.
    """
    check_ranking("roc", values.ravel(), positive.ravel())
    table, member = as_table("roc", values, positive)
    positives, negatives = np.sort(table[member]), np.sort(table[~member])
    m, n = len(positives), len(negatives)
    threshold = np.concatenate([[np.inf], np.unique(values)[::-1], [-np.inf]])
    true_positives = m - np.searchsorted(positives, threshold, side="right")
    false_positives = n - np.searchsorted(negatives, threshold, side="right")
    true_positives[-1], false_positives[-1] = m, n
    keep = np.concatenate([[True], (np.diff(true_positives) > 0) | (np.diff(false_positives) > 0)])
    keep[-1] = True
    threshold, true_positives, false_positives = threshold[keep], true_positives[keep], false_positives[keep]
    each_level = float(np.sqrt(level))  # both bands hold at once with probability `level`
    tpr_low, tpr_high = _band(true_positives, m, _independent(table, member), each_level)
    fpr_low, fpr_high = _band(false_positives, n, _independent(table, ~member), each_level)
    rate = false_positives / n
    last_below = (
        np.searchsorted(fpr_high, rate, side="right") - 1
    )  # the last threshold with a true rate of at most this
    first_above = np.searchsorted(fpr_low, rate, side="right")  # the first threshold with a true rate above this
    return Roc(
        fpr=rate,
        tpr=true_positives / m,
        low=np.where(last_below >= 0, tpr_low[last_below], 0.0),
        high=np.where(first_above < len(rate), tpr_high[np.minimum(first_above, len(rate) - 1)], 1.0),
        threshold=threshold,
        positives=m,
        negatives=n,
        level=level,
    )


def _independent(table: Float[ndarray, "run example"], among: Bool[ndarray, "run example"]) -> int:
    """Return how many independent values there are at least, at nine thresholds; of several runs, to two digits."""
    if len(table) == 1:
        return int(np.count_nonzero(among))
    thresholds = np.quantile(table[among], np.arange(1, 10) / 10, method="lower")
    fewest = max(int(min(effective_number(table > threshold, among) for threshold in thresholds)), 1)
    digit = 10 ** max(len(str(fewest)) - 2, 0)
    return fewest // digit * digit


def _band(
    count: Int[ndarray, " threshold"], number: int, independent: int, level: float
) -> tuple[Float[ndarray, " threshold"], Float[ndarray, " threshold"]]:
    """Return bounds of the true share above each threshold, from the count of so many values above it."""
    low, high = _bounds(independent, level)
    scaled = count * (independent / number)
    return low[np.floor(scaled + 1e-9).astype(np.int64)], high[np.ceil(scaled - 1e-9).astype(np.int64)]


def _bounds(n: int, level: float) -> tuple[Float[ndarray, " count"], Float[ndarray, " count"]]:
    """Return, for each number of n values above a threshold, bounds of the true share there, all at once at `level`."""
    order = _orders(n)
    tail = _local_level(n, level) / 2
    first, last = special.betaincinv(order, n - order + 1, tail), special.betaincinv(order, n - order + 1, 1 - tail)
    count = np.arange(n + 1)
    below, above = np.searchsorted(order, count, side="right") - 1, np.searchsorted(order, count + 1, side="left")
    low = np.where(below >= 0, first[below], 0.0)
    high = np.where(above < len(order), last[np.minimum(above, len(order) - 1)], 1.0)
    return low, high


def _orders(n: int) -> Float[ndarray, " point"]:
    """Return which order statistics are bounded: the first and last few, and fewer and fewer in between."""
    ends = np.unique(np.rint(np.geomspace(1, n, min(n, POINTS))))
    return np.unique(np.concatenate([ends, n + 1 - ends, np.rint(np.linspace(1, n, min(n, POINTS)))]))


@lru_cache(maxsize=64)
def _local_level(n: int, level: float) -> float:
    """Return how far out each bound has to be for all of them to hold at once with probability `level`."""
    order = _orders(n)
    gaps = np.diff(np.concatenate([[0.0], order, [n + 1.0]]))
    sums = np.cumsum(np.random.default_rng(n).standard_gamma(gaps, size=(DRAWS, len(gaps))), axis=1)
    below = special.betainc(order, n - order + 1, sums[:, :-1] / sums[:, -1:])
    return float(np.quantile(2 * np.minimum(below, 1 - below).min(axis=1), 1 - level))
