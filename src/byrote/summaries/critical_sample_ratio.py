"""Critical sample ratio, Arpit et al., 2017, arXiv:1706.05394, section 4.1."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate


@checked
def critical_sample_ratio(critical: Float[ndarray, " example"], *, level: float = 0.9) -> Estimate:
    """Share of examples with a different prediction nearby: 0 is a simple decision surface, 1 a complex one.

    The mean of the probe `critical`, with Wilson's interval. Examples whose value is NaN are left out, and n counts the
    others; NaN where none is left. Raises Unsupported for a value that is neither 0 nor 1.

    It misleads as a property of the model alone: it is a share of these examples, within this radius, found by this
    search. Compare it between models on the same held-out examples with the same options.
    """
    known = critical[~np.isnan(critical)]
    other = np.count_nonzero((known != 0) & (known != 1))
    if other:
        raise Unsupported(
            f"critical_sample_ratio counts zeros and ones, and {other} of {len(known)} values are neither. "
            "Give what the probe `critical` returned."
        )
    return Estimate.of_share(np.count_nonzero(known), len(known), "example", level=level)
