"""Intervals: Wilson (1927), Clopper & Pearson (1934), Newcombe (1998, method 10), Student, Fisher (1915)."""

from typing import Any

import numpy as np
from jaxtyping import Float, Real
from numpy import ndarray
from scipy import special

Numbers = Real[ndarray, "..."] | int | float | np.number[Any]
Floats = Float[ndarray, "*shape"]
"""One number per entry of the arguments, which are numbers or arrays that broadcast; of numbers it is 0-dimensional."""


def normal_quantile(level: float) -> float:
    """Return z such that a standard normal lies within +-z with probability `level`."""
    return float(special.ndtri(0.5 + level / 2))


def t_quantile(level: float, freedom: Numbers) -> Floats:
    """Return t such that Student's distribution lies within +-t with probability `level`; NaN without degrees of freedom."""
    return np.asarray(special.stdtrit(freedom, 0.5 + level / 2))


def wilson(successes: Numbers, trials: Numbers, *, level: float) -> tuple[Floats, Floats]:
    """Return the score interval of a proportion; NaN without trials. It never has zero width."""
    k, n = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    z2 = normal_quantile(level) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / n
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low, high = np.minimum(centre - half, p), np.maximum(centre + half, p)  # rounding may pass p, 0 or 1
    return np.asarray(np.clip(low, 0, 1)), np.asarray(np.clip(high, 0, 1))


def clopper_pearson(successes: Numbers, trials: Numbers, *, level: float) -> tuple[Floats, Floats]:
    """Return the exact (conservative) interval of a proportion; NaN without trials."""
    k, n = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    tail = (1 - level) / 2
    low = np.where(k > 0, special.betaincinv(k, n - k + 1, tail), 0.0)
    high = np.where(k < n, special.betaincinv(k + 1, n - k, 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def newcombe(
    successes: Numbers,
    trials: Numbers,
    other_successes: Numbers,
    other_trials: Numbers,
    *,
    level: float,
) -> tuple[Floats, Floats]:
    """Return the hybrid score interval of a difference of two proportions; NaN where either has no trials."""
    k1, n1 = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    k0, n0 = np.asarray(other_successes, np.float64), np.asarray(other_trials, np.float64)
    low1, high1 = wilson(k1, n1, level=level)
    low0, high0 = wilson(k0, n0, level=level)
    with np.errstate(divide="ignore", invalid="ignore"):
        return of_difference((k1 / n1, low1, high1), (k0 / n0, low0, high0))


def of_difference(
    first: tuple[Numbers, Numbers, Numbers], second: tuple[Numbers, Numbers, Numbers]
) -> tuple[Floats, Floats]:
    """Return the interval of first minus second, each a value with its own ends, squared and added (Newcombe, 1998)."""
    (p1, low1, high1), (p0, low0, high0) = (
        tuple(np.asarray(each, np.float64) for each in side) for side in (first, second)
    )
    low = (p1 - p0) - np.sqrt((p1 - low1) ** 2 + (high0 - p0) ** 2)
    high = (p1 - p0) + np.sqrt((high1 - p1) ** 2 + (p0 - low0) ** 2)
    return np.asarray(low), np.asarray(high)


def student(mean: Numbers, variance: Numbers, n: Numbers, *, level: float) -> tuple[Floats, Floats]:
    """Return the t interval of a mean from its sample variance (ddof 1); NaN below two values.

    At level .9 it holds the mean of normal values in 90 % of samples. Of skewed values it holds fewer: 84 % of 6, 86 % of 10
    and 88 % of 20 exponential ones, and 79, 80, 80 and 82 % of 6, 10, 20 and 80 lognormal ones. Other intervals were measured
    on the same: BCa and Johnson's are worse below 80 values, and the bootstrap of t reaches 84 to 88 % for lognormal values,
    with intervals up to 1.4 times as long, and needs the values themselves.
    """
    m, v, n = np.asarray(mean, np.float64), np.asarray(variance, np.float64), np.asarray(n, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = t_quantile(level, np.where(n > 1, n - 1, np.nan)) * np.sqrt(v / n)
    return np.asarray(m - half), np.asarray(m + half)


def jackknife_interval(value: float, leave_one_out: Float[ndarray, " part"], *, level: float) -> tuple[float, float]:
    """Return Student's interval of a value from its values without one part each (jackknife, Tukey 1958)."""
    parts = len(leave_one_out)
    variance = (parts - 1) / parts * np.sum((leave_one_out - leave_one_out.mean()) ** 2)
    low, high = student(value, variance * parts, parts, level=level)
    return float(low), float(high)


def fisher(correlation: float, n: int, *, rank: bool, level: float) -> tuple[float, float]:
    """Return the interval of a correlation of `n` pairs on the z scale; NaN below four pairs or of a NaN.

    The variance of z is 1 / (n - 3) for Pearson's, and (1 + r^2 / 2) / (n - 3) for Spearman's (Bonett &
    Wright 2000). A correlation beyond 1 - 12 / (n^3 - n), which is Spearman's with one pair of neighbours
    swapped, takes the inner end of that one and the outer end 1: the interval never has zero width.
    """
    if n < 4 or np.isnan(correlation):
        return float("nan"), float("nan")
    nearest = 1 - 12 / (n**3 - n)
    z = np.arctanh(np.clip(correlation, -nearest, nearest))
    half = normal_quantile(level) * np.sqrt((1 + correlation**2 / 2 if rank else 1) / (n - 3))
    low, high = float(np.tanh(z - half)), float(np.tanh(z + half))
    return (-1.0 if correlation <= -nearest else low), (1.0 if correlation >= nearest else high)
