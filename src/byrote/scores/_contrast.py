"""IN runs against OUT runs of each example: sums of an outcome, and Welch's interval (1947, Biometrika 34) of means."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.stats.intervals import t_quantile


def sums(
    outcome: Float[ndarray, "run example"], counted: Bool[ndarray, "run example"]
) -> tuple[Float[ndarray, " example"], Int[ndarray, " example"]]:
    """Return the sum of the outcome over the counted runs in float64, and how many of them have one: NaN is left out."""
    defined = counted & ~np.isnan(outcome)
    with np.errstate(invalid="ignore"):
        total = np.asarray(np.sum(outcome, axis=0, dtype=np.float64, where=defined))
    return total, np.count_nonzero(defined, axis=0)


def difference(
    outcome: Float[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """Return the mean outcome of IN runs minus the mean of OUT runs; NaN where there are none of either."""
    (in_sum, in_runs), (out_sum, out_runs) = sums(outcome, member), sums(outcome, ~member)
    with np.errstate(invalid="ignore", divide="ignore"):
        return in_sum / in_runs - out_sum / out_runs


def welch(
    outcome: Float[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    """Return the t interval of a difference of means of unequal variances.

    NaN below two IN runs or two OUT runs, where an outcome is infinite, and where no outcome differs from its mean.
    """
    (in_error, in_runs), (out_error, out_runs) = _squared_error(outcome, member), _squared_error(outcome, ~member)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = (in_error + out_error) ** 2 / (in_error**2 / (in_runs - 1) + out_error**2 / (out_runs - 1))
        half = t_quantile(level, freedom) * np.sqrt(in_error + out_error)
    value = difference(outcome, member)
    return value - half, value + half


def _squared_error(
    outcome: Float[ndarray, "run example"], counted: Bool[ndarray, "run example"]
) -> tuple[Float[ndarray, " example"], Int[ndarray, " example"]]:
    """Return the squared standard error of the mean, and the number of runs; NaN below two of them, or for infinity."""
    total, n = sums(outcome, counted)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares, _ = sums((outcome - total / n) ** 2, counted)
        return np.where((n > 1) & np.isfinite(total), squares / (n - 1) / n, np.nan), n
