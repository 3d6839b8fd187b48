"""Split-half reliability, Spearman, 1910, and Brown, 1910, British Journal of Psychology 3."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import rankdata

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import fisher
from byrote.summaries.agreement import pearson


@checked
def split_half(
    first: Float[ndarray, " example"],
    second: Float[ndarray, " example"],
    *,
    rank: bool = False,
    level: float = 0.9,
) -> Estimate:
    """Expected correlation with the same score from as many new runs: 1 repeats exactly, 0 is noise.

    2 r / (1 + |r|), where r is the correlation between the values from one half of the runs and from the other
    half (Pearson's; Spearman's with `rank`). The interval is Fisher's z of r, stepped up in the same way. Examples
    with a NaN in either half are left out, and n counts those that are not. NaN where r is. Raises Unsupported for an
    infinity without `rank`.

    A reliability is a share of variance, so a negative value says only that the halves disagree by chance. The formula of
    Spearman and Brown, 2 r / (1 + r), is derived for r of 0 or more, and falls to minus infinity below. Its mirror image is
    taken there, after Krus & Helmstadter (1993): it lies between -1 and 1, and its mean over halvings of pure
    noise is 0, where the formula has none and values cut off at 0 have a mean above 0.

    It misleads as validity: an error that all runs share (one architecture, one wrong label) counts as signal.
    """
    both = ~(np.isnan(first) | np.isnan(second))
    a, b = first[both], second[both]
    if rank:
        a, b = rankdata(a), rankdata(b)
    infinite = np.count_nonzero(np.isinf(a) | np.isinf(b))
    if infinite:
        raise Unsupported(
            f"split_half cannot correlate infinity, and {infinite} of {len(a)} pairs have it. Pass rank=True."
        )
    r = pearson(a, b)
    low, high = fisher(r, len(a), rank=rank, level=level)
    return Estimate(r, low, high, len(a), "example", level).transformed(_spearman_brown)


@checked
def repeated_split_half(
    score: Callable[[Int[ndarray, " half"]], Float[ndarray, " example"]],
    runs: int,
    *,
    times: int,
    rank: bool = False,
    seed: int = 0,
    level: float = 0.9,
) -> list[Estimate]:
    """Return `split_half` of several random cuts of the runs: `score` returns the values from the runs of one half."""
    cuts = halvings(runs, times=times, seed=seed)
    return [split_half(score(first), score(second), rank=rank, level=level) for first, second in cuts]


def halvings(runs: int, *, times: int, seed: int = 0) -> Iterator[tuple[Int[ndarray, " half"], Int[ndarray, " half"]]]:
    """Yield random cuts of runs 0 to `runs` - 1 into two halves of equal size; one run of an odd number is in neither."""
    rng = np.random.default_rng(seed)
    for _ in range(times):
        order = rng.permutation(runs)
        yield order[: runs // 2], order[runs // 2 : runs // 2 * 2]


def _spearman_brown(r: float) -> float:
    """Return the Spearman-Brown correlation of a test of twice the length, mirrored below 0 (see `split_half`)."""
    return 2 * r / (1 + abs(r))
