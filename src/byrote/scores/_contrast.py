"""Runs with an example against runs without it: sums of an outcome, and Welch's interval (1947, Biometrika 34) of means."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import stats


def sums(
    outcome: Float[ndarray, "run example"], which: Bool[ndarray, "run example"]
) -> tuple[Float[ndarray, " example"], Int[ndarray, " example"]]:
    """Return the sum of the outcome over these runs in float64, and how many of them have one: NaN is left out."""
    told = which & ~np.isnan(outcome)
    with np.errstate(invalid="ignore"):
        total = np.asarray(np.sum(outcome, axis=0, dtype=np.float64, where=told))
    return total, np.count_nonzero(told, axis=0)


def difference(
    outcome: Float[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """Return the mean outcome with the example minus the mean without it; NaN where either has no run."""
    (inside, n_in), (outside, n_out) = sums(outcome, member), sums(outcome, ~member)
    with np.errstate(invalid="ignore", divide="ignore"):
        return inside / n_in - outside / n_out


def welch(
    outcome: Float[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    """Return the t interval of a difference of means of unequal variances.

    NaN where a side has fewer than two runs, where an outcome is infinite, and where no outcome differs from its mean.
    """
    (first, n_in), (second, n_out) = _squared_error(outcome, member), _squared_error(outcome, ~member)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = (first + second) ** 2 / (first**2 / (n_in - 1) + second**2 / (n_out - 1))
        half = stats.t.ppf(0.5 + level / 2, freedom) * np.sqrt(first + second)
    value = difference(outcome, member)
    return value - half, value + half


def _squared_error(
    outcome: Float[ndarray, "run example"], which: Bool[ndarray, "run example"]
) -> tuple[Float[ndarray, " example"], Int[ndarray, " example"]]:
    """Return the squared standard error of the mean, and the number of runs; NaN below two of them, or for infinity."""
    total, n = sums(outcome, which)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares, _ = sums((outcome - total / n) ** 2, which)
        return np.where((n > 1) & np.isfinite(total), squares / (n - 1) / n, np.nan), n
