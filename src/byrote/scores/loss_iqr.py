"""Loss-trace interquartile range (LT-IQR), Pollock, Shilov, Dodd & de Montjoye, 2024, arXiv:2411.05743."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.signature import score


@score(high="memorized")
def loss_iqr(loss_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Interquartile range of the loss during training, in nats: 0 did not change, high was fitted late.

    75th minus 25th percentile of the loss over steps, interpolated linearly. An easy example has a low loss at almost all
    steps, and one that is never learned a high one; a membership attack finds those in between. Steps without a
    presentation are skipped; NaN where there are none. Infinity where only the upper quartile is infinite, NaN where
    both are.

    It misleads across schedules: training on for long after all is fitted brings it to 0, because the early steps are
    then fewer than a quarter.
    """
    seen = np.count_nonzero(~np.isnan(loss_seen), axis=0)
    if not len(loss_seen):
        return np.full(loss_seen.shape[1], np.nan)
    ordered = np.sort(loss_seen, axis=0)
    with np.errstate(invalid="ignore"):
        return _quantile(ordered, seen, 0.75) - _quantile(ordered, seen, 0.25)


def _quantile(
    ordered: Float[ndarray, "step example"], seen: Int[ndarray, " example"], share: float
) -> Float[ndarray, " example"]:
    """Return the quantile of the first `seen` values of each column, which are sorted and not NaN."""
    position = share * np.maximum(seen - 1, 0)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(seen - 1, 0))
    low, high = (np.take_along_axis(ordered, at[None], axis=0)[0].astype(np.float64) for at in (below, above))
    weight = position - below
    return np.where(weight > 0, low * (1 - weight) + high * weight, low)
