"""Split-half reliability, Spearman, 1910, and Brown, 1910, British Journal of Psychology 3."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import rankdata

from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import fisher
from byrote.summaries.agreement import pearson


def split_half(
    first: Float[ndarray, " example"],
    second: Float[ndarray, " example"],
    *,
    rank: bool = False,
    level: float = 0.9,
) -> Estimate:
    """Correlation to expect with the same score of as many new runs: 1 repeats exactly, 0 is noise.

    2 r / (1 + r), where r is the correlation between the values from one half of the runs and from the other
    half (Pearson's; Spearman's with `rank`). The interval is Fisher's z of r, stepped up likewise. Examples
    with a NaN in either half are left out, and n counts those that are not. NaN where r is. A negative value
    says that the halves disagree; it is not clipped, and it can be below -1. Raises Unsupported for an
    infinity without `rank`.

    It misleads as validity: noise that all runs share (one architecture, one label error) counts as signal.
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
    return Estimate(_step_up(r), _step_up(low), _step_up(high), len(a), "example", level)


def _step_up(r: float) -> float:
    """Return the Spearman-Brown correlation of a test of twice the length."""
    return float("-inf") if r == -1 else 2 * r / (1 + r)
