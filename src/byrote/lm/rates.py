"""Rates over passages, with intervals that take whole documents as the unit: passages of one document are not independent."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import stats

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import of_difference

RESAMPLES = 1000


@checked
def rate(
    hit: Bool[ndarray, " passage"],
    document: Int[ndarray, " passage"],
    *,
    level: float = 0.9,
    seed: int = 0,
    unit: str = "passage",
) -> Estimate:
    """Return the share of passages that are hits, with an interval over documents; NaN without passages.

    The interval is the wider at each end of two: the percentile bootstrap over documents (1,000 resamples), and Clopper &
    Pearson's for the effective number of passages, n_eff = p (1 - p) / variance between documents (Korn & Graubard 1998). Where
    no passage or every passage is a hit, nothing varies, and passages of one document count as one: n_eff = (sum m)^2 / sum m^2
    for documents of m passages. So 0 of 100 documents has the upper end .030 and not 0, and one document alone says little.
    """
    if not len(hit):
        return Estimate.undefined(unit, level=level)
    hits, counts = _per_document(hit, document)
    value = float(hits.sum() / counts.sum())
    low, high = _bound(hits, counts, level)
    drawn = _resampled(len(counts), seed)
    shares = (drawn @ hits) / (drawn @ counts)
    tail = (1 - level) / 2
    low, high = min(low, float(np.quantile(shares, tail))), max(high, float(np.quantile(shares, 1 - tail)))
    return Estimate(value, min(low, value), max(high, value), len(hit), unit, level)


@checked
def rate_difference(
    hit: Bool[ndarray, " passage"],
    document: Int[ndarray, " passage"],
    other_hit: Bool[ndarray, " other"],
    other_document: Int[ndarray, " other"],
    *,
    level: float = 0.9,
    seed: int = 0,
    unit: str = "passage",
) -> Estimate:
    """Return the share of hits minus that of other passages, from other documents, such as control text.

    The interval adds the distances of both shares to the ends of their own intervals in squares (Newcombe 1998, Zou & Donner
    2008). NaN where either has no passage.
    """
    one = rate(hit, document, level=level, seed=seed)
    other = rate(other_hit, other_document, level=level, seed=seed + 1)
    low, high = of_difference((one.value, one.low, one.high), (other.value, other.low, other.high))
    return Estimate(one.value - other.value, float(low), float(high), one.n + other.n, unit, level)


@checked
def paired_difference(
    hit: Bool[ndarray, " passage"],
    other_hit: Bool[ndarray, " passage"],
    document: Int[ndarray, " passage"],
    *,
    level: float = 0.9,
    seed: int = 0,
    unit: str = "passage",
) -> Estimate:
    """Return the share of hits minus that of another model on the same passages, such as one that never saw them.

    It is the share of passages that only the one hits minus the share that only the other hits, and its interval adds the
    distances of these two to the ends of their own intervals in squares, as `rate_difference` does. NaN without passages.
    """
    if not len(hit):
        return Estimate.undefined(unit, level=level)
    only = rate(hit & ~other_hit, document, level=level, seed=seed)
    other = rate(other_hit & ~hit, document, level=level, seed=seed)
    low, high = of_difference((only.value, only.low, only.high), (other.value, other.low, other.high))
    return Estimate(only.value - other.value, float(low), float(high), len(hit), unit, level)


def _per_document(
    hit: Bool[ndarray, " passage"], document: Int[ndarray, " passage"]
) -> tuple[Float[ndarray, " document"], Float[ndarray, " document"]]:
    _, which = np.unique(document, return_inverse=True)
    return np.bincount(which, hit).astype(np.float64), np.bincount(which).astype(np.float64)


def _bound(hits: Float[ndarray, " document"], counts: Float[ndarray, " document"], level: float) -> tuple[float, float]:
    """Return Clopper & Pearson's interval for the effective number of passages."""
    documents, passages = len(counts), counts.sum()
    p = hits.sum() / passages
    effective = passages**2 / (counts**2).sum()  # passages of one document as one
    if documents > 1 and 0 < p < 1:
        variance = documents / (documents - 1) * ((hits - p * counts) ** 2).sum() / passages**2
        if variance > 0:
            effective = min(p * (1 - p) / variance, passages)
    k, tail = p * effective, (1 - level) / 2
    low = float(stats.beta.ppf(tail, k, effective - k + 1)) if k > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, k + 1, effective - k)) if k < effective else 1.0
    return low, high


def _resampled(documents: int, seed: int) -> Float[ndarray, "resample document"]:
    """Return how often each document is in each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(documents, np.full(documents, 1 / documents), RESAMPLES).astype(np.float64)
