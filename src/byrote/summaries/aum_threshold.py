"""AUM with the threshold-sample rule, Pleiss, Zhang, Elenberg & Weinberger, 2020, arXiv:2001.10528."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy import stats

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_defined


@dataclass(frozen=True, eq=False)
class Cut:
    """Which examples look mislabeled: `below` the `threshold`, and their `share` of the examples that are no samples."""

    threshold: Estimate
    below: Bool[ndarray, " example"]
    share: Estimate


@checked
def aum_threshold(
    aum: Float[ndarray, " example"],
    sample: Bool[ndarray, " example"],
    *,
    percentile: float = 99.0,
    level: float = 0.9,
) -> Cut:
    """Share of examples with an AUM below a threshold that is set by examples known to be mislabeled: 0 is none, 1 is all.

    `sample` marks the threshold samples, which were given a wrong label on purpose (in the paper an extra class, here
    canaries of kind `mislabeled`). An example is `below` where its AUM is under the percentile of theirs; the samples
    themselves never are. The percentile is interpolated linearly; its interval is between order statistics (Thompson
    1936), with an infinite end where the samples are too few to have one. The interval of the share is Clopper &
    Pearson's with the threshold as given. Raises Unsupported for a NaN, an infinite sample, no samples, and no other
    examples.

    It misleads when the labels made wrong on purpose are harder or easier than real label errors. The paper
    replaces the samples in a second training, because real examples that served as samples have no AUM of their own label.
    """
    check_defined("aum_threshold", aum)
    known = np.sort(aum[sample])
    others = len(aum) - len(known)
    if not len(known) or not others:
        raise Unsupported(
            f"aum_threshold needs threshold samples and other examples, and was given {len(known)} and {others}. "
            "Train with examples whose label is wrong on purpose, such as canaries of kind mislabeled."
        )
    if not np.isfinite(known).all():
        raise Unsupported(
            f"aum_threshold cannot take a percentile of {len(known)} threshold samples of which "
            f"{np.count_nonzero(np.isinf(known))} are infinite. Look at the runs that diverged."
        )
    if not 0 <= percentile <= 100:
        raise Unsupported(f"aum_threshold has percentile={percentile}. Give a number from 0 to 100.")
    value = float(np.percentile(known, percentile))
    below = (aum < value) & ~sample
    ends = _order_statistics(known, percentile / 100, level)
    threshold = Estimate(value, min(ends[0], value), max(ends[1], value), len(known), "threshold sample", level)
    share = Estimate.of_share(np.count_nonzero(below), others, "example", exact=True, level=level)
    return Cut(threshold, below, share)


def _order_statistics(ordered: Float[ndarray, " sample"], share: float, level: float) -> tuple[float, float]:
    """Return the distribution-free interval of a quantile (Thompson 1936), infinite where no sample bounds it."""
    n, tail = len(ordered), (1 - level) / 2
    lower = int(stats.binom.ppf(tail, n, share))
    upper = int(stats.binom.ppf(1 - tail, n, share)) + 1
    low = float(ordered[lower - 1]) if lower >= 1 else float("-inf")
    high = float(ordered[upper - 1]) if upper <= n else float("inf")
    return low, high
