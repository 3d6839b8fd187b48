"""P-values of the rank-sum test, Mann & Whitney, 1947, Annals of Mathematical Statistics 18: exact without ties."""

from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray
from scipy import stats

MOST_PAIRS = 160_000
"""Pairs of an IN and an OUT run up to which p-values are exact: beyond it rounding would be the larger error."""


def rank_sum_p_values(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """Return the one-sided p-value of each example: are the outcomes of IN runs larger than those of OUT runs?

    A small one is evidence that they are. NaN without IN or without OUT runs, and where an outcome is NaN. It assumes only
    that membership was drawn at random. With ties it is that of the normal approximation, with the correction for ties
    and for continuity; without ties it is exact, up to MOST_PAIRS pairs of runs.
    """
    ranks = stats.rankdata(outcome, axis=0)
    in_runs = np.count_nonzero(member, axis=0)
    out_runs = len(member) - in_runs
    u = np.sum(ranks, axis=0, where=member) - in_runs * (in_runs + 1) / 2
    ties = np.array([np.sum(counts**3 - counts) for counts in map(_tie_counts, ranks.T)], np.float64)
    p = _normal(u, in_runs, out_runs, ties)
    for pair in np.unique(np.stack([in_runs, out_runs]), axis=1).T:
        chosen = (in_runs == pair[0]) & (out_runs == pair[1]) & (ties == 0)
        if chosen.any() and 0 < pair.prod() <= MOST_PAIRS:
            p[chosen] = _upper_tail(int(pair[0]), int(pair[1]))[u[chosen].astype(np.int64)]
    usable = (in_runs > 0) & (out_runs > 0) & ~np.isnan(outcome).any(axis=0)
    return np.where(usable, p, np.nan)


def _tie_counts(ranks: Float[ndarray, " run"]) -> ndarray:
    return np.unique(ranks, return_counts=True)[1].astype(np.int64)


def _normal(u: ndarray, in_runs: ndarray, out_runs: ndarray, ties: ndarray) -> Float[ndarray, " example"]:
    n = in_runs + out_runs
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = in_runs * out_runs / 12 * (n + 1 - ties / (n * (n - 1)))
        z = (u - in_runs * out_runs / 2 - 0.5) / np.sqrt(variance)
        return np.where(variance > 0, stats.norm.sf(z), 1.0)


@cache
def _upper_tail(in_runs: int, out_runs: int) -> Float[ndarray, " u"]:
    """Return P(U >= u) for u from 0 to the product: the coefficients of a Gaussian binomial, as shares of their sum.

    They are symmetric, so the upper tail is the lower one, where differences of large numbers round away no small one.
    """
    top = in_runs * out_runs
    ways = np.zeros(top // 2 + 1)
    ways[0] = 1.0
    for i in range(1, in_runs + 1):
        if out_runs + i < len(ways):  # times 1 - q^(out_runs + i)
            ways[out_runs + i :] = ways[out_runs + i :] - ways[: -(out_runs + i)]
        for start in range(min(i, len(ways))):  # over 1 - q^i
            ways[start::i] = np.cumsum(ways[start::i])
        ways *= i / (out_runs + i)
    below = np.cumsum(ways)  # P(U <= u), for the lower half
    tail = np.ones(top + 1)
    tail[1 : len(below) + 1] = 1 - below[:top]
    tail[top - len(below) + 1 :] = below[::-1]
    return tail
