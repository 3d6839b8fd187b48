"""Rates over passages, with intervals that take whole documents as the unit: passages of one document are not independent."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import stats

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import normal_quantile, of_difference, t_quantile

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
    """Return the share of passages that are hits, with an interval over documents. Raises Unsupported without passages.

    The interval is the wider at each end of two: the percentile bootstrap over documents (1,000 resamples), and Clopper &
    Pearson's for the effective number of passages (Korn & Graubard 1998), n_eff = (z / t)^2 p (1 - p) / variance between
    documents, with one degree of freedom less than documents that have hits (or misses, if fewer), but at least the number if
    all passages of a document were one, (sum m)^2 / sum m^2 for documents of m passages. Where no passage or every passage is
    a hit that is the number. So 0 of 100 documents has the upper end .030 and not 0, and one document alone says little.

    Measured at level .9 on 10, 30 and 100 documents of 1 or about 20 passages, rates of .002, .02, .1 and .5, correlations
    within documents of 0 and .3, 250 simulations
    each: it holds the true rate in .888 to 1.000 of them, the bootstrap alone in .012 (rate .002, 10 passages) to .944.
    """
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
    2008). Raises Unsupported where either has no passage.
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
    distances of these two to the ends of their own intervals in squares, as `rate_difference` does. Raises Unsupported without
    passages.
    """
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
    effective = least = passages**2 / (counts**2).sum()  # passages of one document as one
    mixed = min(np.count_nonzero(hits), np.count_nonzero(hits < counts))
    variance = documents / max(1, documents - 1) * ((hits - p * counts) ** 2).sum() / passages**2
    if mixed and variance > 0:
        # The variance is known from few documents: those that have hits. Student's quantile says how badly.
        student = normal_quantile(level) / t_quantile(level, max(1, mixed - 1))
        effective = max(least, min(passages, student**2 * p * (1 - p) / variance))
    k, tail = p * effective, (1 - level) / 2
    low = float(stats.beta.ppf(tail, k, effective - k + 1)) if k > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, k + 1, effective - k)) if k < effective else 1.0
    return low, high


def _resampled(documents: int, seed: int) -> Float[ndarray, "resample document"]:
    """Return how often each document is in each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(documents, np.full(documents, 1 / documents), RESAMPLES).astype(np.float64)
