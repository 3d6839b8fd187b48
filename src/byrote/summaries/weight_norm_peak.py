"""Weight-norm peak, Memorization through the lens of sample gradients, ICLR 2026, OpenReview jeTiBeW3iZ."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.summaries._first_minimum import first_minimum


@checked
def weight_norm_peak(norm: Float[ndarray, " step"]) -> float:
    """The first step at which the norm of the weights peaks: stop training or summing there; infinity if it never falls.

    Counted from 1, the last step before the first fall (of equal ones the first). `norm` has one value per step, from one
    run: it is one number without an interval, so look at several runs. Raises Unsupported for a NaN or an infinity, and
    below two steps.

    It misleads when the norm is noisy or falls from the start, as under strong weight decay: the first fall is then no
    change of phase. Smooth the series before, or do not use it.
    """
    if len(norm) < 2 or not np.isfinite(norm).all():
        raise Unsupported(
            f"weight_norm_peak needs two steps or more that are finite, and was given {len(norm)} with "
            f"{np.count_nonzero(~np.isfinite(norm))} that are not. Record the norm at every step."
        )
    return first_minimum(-norm)
