"""True-positive rate at a low false-positive rate, Carlini et al., 2022, arXiv:2112.03570."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import special, stats

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._clusters import as_table, effective_number
from byrote.summaries._ranking import check_ranking

BISECTIONS = 30


@dataclass(frozen=True)
class OperatingPoint:
    """Both rates of an attack at one threshold: a value above `threshold` says member.

    `fpr_limit` is the false-positive rate that was allowed, and `fpr_realised` the one that this threshold has on these
    negatives. `chance` is what the true-positive rate of an attack that knows nothing is on average: it is above the realised
    rate, since the threshold is one of these negatives.
    """

    tpr: Estimate
    fpr_limit: float
    fpr_realised: Estimate
    threshold: float
    chance: float


@checked
def tpr_at_fpr(
    values: Float[ndarray, "*run example"],
    positive: Bool[ndarray, "*run example"],
    *,
    fpr: float,
    level: float = 0.9,
) -> OperatingPoint:
    """True-positive rate with a false-positive rate of at most `fpr`: `chance` is chance, 1 finds all positives.

    The threshold is a negative's value; the examples strictly above it are called positive, and it is the one
    with the largest realised false-positive rate of at most `fpr`. With k of n negatives above it, an attack that knows
    nothing finds (k + 1) / (n + 1) of the positives on average, up to twice `fpr` where k is 1: compare with `chance`.
    A HIGH value says positive (member), so `loss` has to be negated. Raises Unsupported for
    a NaN, when either side is empty, and when fpr x negatives is below 1: no threshold has such a rate.

    The interval of `tpr` is about the rate at the threshold whose true false-positive rate is `fpr`, which is not
    known: the number of negatives above that threshold is binomial, and given this number the rate has a beta
    distribution; the ends are quantiles of the mixture (between the two of Clopper & Pearson). In simulations at
    level .9 (normal, heavy-tailed, exponential, discrete and mixed values; 100 to 10,000 negatives) it holds that
    rate in 86 to 96 % of samples of 100 positives or more (99 % of those of 20) where `fpr` allows ten negatives
    above the threshold or more; in 94 to 100 % where it allows one: the low end is then near 0, and the interval is
    one-sided. The interval of `fpr_realised` is Clopper & Pearson's (1934). Arrays `[run example]` hold the values of
    several runs, at one threshold: both intervals then use the number of independent values with the same variance,
    over runs and examples: they hold 86 to 100 %.

    It misleads when ties among the negatives make the realised rate much lower than the one allowed:
    compare attacks at equal realised rates.
    """
    check_ranking("tpr_at_fpr", values.ravel(), positive.ravel())
    table, member = as_table("tpr_at_fpr", values, positive)
    members, others = np.sort(table[member]), np.sort(table[~member])[::-1]
    n = len(others)
    most = math.floor(fpr * n + 1e-9)  # .29 x 100 is 28.999999999999996
    if not 0 < fpr < 1 or most < 1:
        needed = f"at least {math.ceil(1 / fpr - 1e-9)} negatives" if 0 < fpr < 1 else "a rate between 0 and 1"
        raise Unsupported(f"The false-positive rate is {fpr}, and there are {n} negatives. It needs {needed}.")
    threshold = float(others[most])
    above = table > threshold
    many, few = effective_number(above, member), effective_number(above, ~member)
    tpr = _rate(int(np.count_nonzero(members > threshold)), len(members), many, "positive", level)
    low, high = _ends(members, others, fpr, many / len(members), few / n, level)
    return OperatingPoint(
        tpr=replace(tpr, low=min(low, tpr.value), high=max(high, tpr.value)),
        fpr_limit=fpr,
        fpr_realised=_rate(int(np.count_nonzero(others > threshold)), n, few, "negative", level),
        threshold=threshold,
        chance=(most + 1) / (n + 1),
    )


def _rate(count: int, number: int, effective: float, unit: str, level: float) -> Estimate:
    """Return a share of all values, with the interval of as many as are independent."""
    as_many = Estimate.of_share(count / number * effective, effective, unit, exact=True, level=level)
    return replace(as_many, value=count / number, n=number)


def _ends(
    members: Float[ndarray, " member"],
    others: Float[ndarray, " other"],
    fpr: float,
    member_share: float,
    other_share: float,
    level: float,
) -> tuple[float, float]:
    """Return the interval of the members' rate above the unknown threshold with this true false-positive rate.

    Members are sorted upwards and others downwards; the shares say how many of each are independent.
    """
    m, n = len(members), len(others)
    independent = max(round(n * other_share), 1)
    first, last = stats.binom.ppf([1e-7, 1 - 1e-7], independent, fpr).astype(np.int64)
    number = np.arange(first, last + 1)  # of independent others above the threshold
    weight = stats.binom.pmf(number, independent, fpr)
    ranked = np.concatenate([[np.inf], others, [-np.inf]])
    upper, lower = (
        np.clip(rank, 0, n + 1).astype(np.int64)
        for rank in (np.floor(number * n / independent), np.ceil((number + 1) * n / independent - 1e-9))
    )
    fewest, most = (_merged(m - np.searchsorted(members, ranked[at], side="right"), weight) for at in (upper, lower))
    count = np.concatenate([fewest[0], most[0]]) * member_share
    more = np.repeat([0.0, 1.0], [len(fewest[0]), len(most[0])])
    share = np.concatenate([fewest[1], most[1]]) / (2 * weight.sum())
    hits, misses = count + more, m * member_share - count + 1 - more
    tail = (1 - level) / 2
    return _quantile(hits, misses, share, tail), _quantile(hits, misses, share, 1 - tail)


def _merged(
    count: Int[ndarray, " number"], weight: Float[ndarray, " number"]
) -> tuple[Int[ndarray, " count"], Float[ndarray, " count"]]:
    """Return the distinct counts, and the sum of the weights of each."""
    distinct, index = np.unique(count, return_inverse=True)
    return distinct, np.bincount(index, weight)


def _quantile(
    hits: Float[ndarray, " part"], misses: Float[ndarray, " part"], share: Float[ndarray, " part"], at: float
) -> float:
    """Return a quantile of a mixture of beta distributions; one without hits is 0, and one without misses is 1."""
    none, all_ = hits <= 1e-9, misses <= 1e-9
    a, b = np.where(none, 1.0, hits), np.where(all_, 1.0, misses)
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = np.where(none, 1.0, np.where(all_, 0.0, special.betainc(a, b, middle)))
        low, high = (middle, high) if float(share @ below) < at else (low, middle)
    return (low + high) / 2
