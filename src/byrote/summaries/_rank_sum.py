"""P-values of the rank-sum test, Mann & Whitney, 1947, Annals of Mathematical Statistics 18: exact, with ties too."""

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray
from scipy import special, stats

MOST_WORK = 2e7
"""Additions up to which the distribution of one pattern of ties is computed; beyond, it is approximated by a normal one."""


def rank_sum_p_values(
    outcome: Shaped[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """Return the one-sided p-value of each example: are the outcomes of IN runs larger than those of OUT runs?

    A small one is evidence that they are. NaN without IN or without OUT runs, and where an outcome is NaN. It assumes only
    that membership was drawn at random, given how many runs are IN and which outcomes are equal: that is the share of
    all draws with so large a sum of mid-ranks. Beyond MOST_WORK (100 runs with ties, 200 without) it is that of the normal
    approximation, with the corrections for ties and for continuity.
    """
    doubled = np.rint(2 * np.nan_to_num(stats.rankdata(outcome, axis=0))).astype(np.int64)  # mid-ranks are halves
    in_runs = np.count_nonzero(member, axis=0)
    out_sums = np.sum(doubled, axis=0, where=~member)
    usable = (in_runs > 0) & (in_runs < len(member)) & ~np.isnan(outcome).any(axis=0)
    p = np.full(outcome.shape[1], np.nan)
    for at in np.flatnonzero(usable):
        ranks, sizes = np.unique(doubled[:, at], return_counts=True)
        p[at] = _p_value(
            int(out_sums[at]), tuple(ranks.tolist()), tuple(sizes.tolist()), len(member) - int(in_runs[at])
        )
    return p


def _p_value(out_sum: int, ranks: tuple[int, ...], sizes: tuple[int, ...], out_runs: int) -> float:
    """Return how likely OUT runs have a sum of doubled mid-ranks as small as this, or smaller."""
    n, tied = sum(sizes), len(sizes) < sum(sizes)
    work = out_runs * (2 * n * out_runs) * 2 * n
    if work <= (MOST_WORK if tied else 100 * MOST_WORK):
        return float(_lower_tail(ranks, sizes, out_runs)[out_sum])
    in_runs, ties = n - out_runs, sum(size**3 - size for size in sizes)
    variance = in_runs * out_runs / 12 * (n + 1 - ties / (n * (n - 1)))
    if variance <= 0:
        return 1.0
    centre = out_runs * (n + 1) / 2
    return float(special.ndtr((out_sum / 2 - centre + 0.5) / np.sqrt(variance)))


@lru_cache(maxsize=4096)
def _lower_tail(ranks: tuple[int, ...], sizes: tuple[int, ...], drawn: int) -> Float[ndarray, " sum"]:
    """Return P(sum <= s) of the ranks of so many draws without replacement, from s = 0: counted, group of ties by group."""
    top = drawn * ranks[-1]
    ways = np.zeros((drawn + 1, top + 1))
    ways[0, 0] = 1.0
    for rank, size in zip(ranks, sizes, strict=True):
        added = ways.copy()
        for taken in range(1, min(size, drawn) + 1):
            shift = taken * rank
            if shift > top:
                break
            added[taken:, shift:] += special.comb(size, taken) * ways[: drawn + 1 - taken, : top + 1 - shift]
        ways = added
    tail = np.cumsum(ways[drawn])
    return tail / tail[-1]
