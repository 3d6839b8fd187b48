"""Difficulty calibration, Watson et al., 2022, arXiv:2111.08440."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.scores._shadows import Shadows
from byrote.signature import score


@score(high="member")
def calibrated_loss(
    loss: Float[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, "run example"]:
    """Mean loss in OUT runs (not trained on the example) minus the loss in this run: above 0 says member.

    In nats. NaN where no other run left the example out, or where a loss is NaN or infinite.

    It misleads for hard examples, whose losses vary most: `lira` divides by their standard deviation.
    """
    return difference(Shadows(np.where(np.isfinite(loss), loss, np.nan).astype(np.float64), member))


def difference(shadows: Shadows) -> Float[ndarray, "run example"]:
    """Return the difference of losses, each run compared with the others that `shadows` gives it."""
    result = np.full(shadows.value.shape, np.nan)
    for part in shadows.blocks():
        result[:, part] = shadows.moments(part, trained=False).mean - shadows.value[:, part]
    return result
