"""Reliability of estimates whose errors are known, Lord & Novick, 1968, Statistical Theories of Mental Test Scores."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.stats.estimate import Estimate

RESAMPLES = 200
"""Resamples of the examples for the interval."""


@checked
def posterior_reliability(
    value: Float[ndarray, " example"], error: Float[ndarray, " example"], *, level: float = 0.9, seed: int = 0
) -> Estimate:
    """Squared correlation of estimates with the true values: 1 is exact, 0 is noise.

    v / (v + e) with the variance v of the estimates, which are posterior means, and the mean e of their squared standard
    errors: a true value is its posterior mean plus an error that is independent of it. So it is also the correlation to
    expect with estimates from as many new runs. Examples where either is NaN are left out, and n counts the others. The
    interval resamples examples; it holds no error that all examples share. NaN when all estimates are equal.

    It misleads where standard errors are wrong, and the interval does not hold that: in simulations the value is up to .3 too
    low with 4 runs, up to .2 with 8 (docs/theory.md), rarely more than .03 too high, and .04 to .18 where nothing is memorized.
    """
    defined = np.isfinite(value) & np.isfinite(error)
    value, error = value[defined], error[defined]
    n = len(value)
    if n < 2 or not value.var():
        return Estimate(np.nan, np.nan, np.nan, n, "example", level)

    def share(chosen: Int[ndarray, " draw"] | slice) -> float:
        variance = value[chosen].var()
        return float(variance / (variance + np.mean(error[chosen] ** 2))) if variance else 0.0

    drawn = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    low, high = np.quantile([share(chosen) for chosen in drawn], [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(share(slice(None)), float(low), float(high), n, "example", level)
