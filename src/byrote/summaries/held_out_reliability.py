"""Reliability of posterior means, by runs that they had not seen: how many outcomes what they know is worth.

Prior effective sample size, Morita, Thall & Mueller, 2008, Biometrics 64.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import normal_quantile

WORTHS = np.exp2(np.arange(0.0, 8.01, 0.0625))
"""Candidates for the number of outcomes that all else than an example's own outcomes is worth."""

USUAL_WORTH, WORTH_SPREAD = 2.5, 0.7
"""Their prior: mean and standard deviation of the binary logarithm. See records/stopping."""

SLOPE_SPREAD = 0.1
"""The slope of true values on posterior means is 1; where the model is wrong it differs by about so much."""

LOWERED = 0.5
"""The value lies so many standard errors below the estimate. See records/stopping."""

TINY = 1e-300

ByKind = Float[ndarray, "kind example"]


@checked(text=["groups"])
def held_out_reliability(
    value: Float[ndarray, " example"],
    mean: ByKind,
    runs: ByKind,
    spread: ByKind,
    others: ByKind,
    estimate_squared: Float[ndarray, " example"],
    times_truth: Float[ndarray, " example"],
    truth_squared: Float[ndarray, " example"],
    groups: Shaped[ndarray, " example"] | None = None,
    *,
    level: float = 0.9,
) -> Estimate:
    """Squared correlation of memorization with the true values, less half its standard error: 1 is exact, 0 is noise.

    It is also the correlation to expect with estimates from as many new runs. `value` is the difference of two proportions p with
    the posterior means `mean`, IN and OUT. Each has the variance p (1 - p) / (r + u): that of a proportion of r + u outcomes, its
    own from `runs` r, and u that everything else is worth, unknown and common to all; its prior is log-normal around 5.7.
    Runs tell it that estimates have not seen: estimates from `others` runs have p (1 - p) of `spread`, and squared errors of
    `estimate_squared` - 2 `times_truth` + `truth_squared` in the mean (NaN where unknown). The same three give the slope b of the
    true values on the estimates, near 1 for posterior means. With the variance v of the values and the mean e of their squared
    errors the squared correlation is b^2 v / ((2 b - 1) v + e).

    The value is half a standard error below the estimate, since whoever stops at a target picks estimates that are too high. The
    interval is around the estimate; it holds what is not known of u and b, and other examples like these. Examples of one group
    (equal entries of `groups`, other than an empty text) are not independent. Examples without a value are left out, and n counts
    the others. NaN when all estimates are equal.

    It misleads with few examples and few runs: in simulations of 300 examples and 4 runs it is up to .2 too high, of 2,000
    examples 0 to .08 too low on average with 6 runs or more (docs/theory.md).
    """
    defined = np.isfinite(value)
    n = int(defined.sum())
    if n < 2 or not value[defined].var():
        return Estimate(np.nan, np.nan, np.nan, n, "example", level)
    codes, squared_error = _codes(groups, len(value)), estimate_squared - 2 * times_truth + truth_squared
    known = defined & np.isfinite(squared_error)
    weights = _of_worth(squared_error[known], spread[:, known], others[:, known], codes[known])
    slope, of_slope = _slope(estimate_squared[known], times_truth[known], codes[known])
    value, codes = value[defined], codes[defined]
    spreads, runs = mean[:, defined] * (1 - mean[:, defined]), runs[:, defined]
    deviations = (value - value.mean()) ** 2
    variance = deviations.mean()
    errors = np.array([_errors(spreads, runs, worth).mean() for worth in WORTHS])
    shares = _share(variance, errors, slope)
    share = float(weights @ shares)
    error = _errors(spreads, runs, float(weights @ WORTHS))
    parts = (deviations * error.mean() - error * variance) / (variance + error.mean()) ** 2
    deviation = np.sqrt(
        weights @ (shares - share) ** 2
        + (2 * share * (1 - share)) ** 2 * of_slope
        + _squares(parts, codes).sum() / n**2
    )
    half = normal_quantile(level) * deviation
    low, value_, high = (float(np.clip(share - less, 0.0, 1.0)) for less in (half, LOWERED * deviation, -half))
    return Estimate(value_, low, high, n, "example", level)


def _share(variance: float, errors: Float[ndarray, " worth"], slope: float) -> Float[ndarray, " worth"]:
    """Return the squared correlation with true values whose slope on the estimates is this; 0 below a slope of 0."""
    explained = max(slope, 0.0) ** 2 * variance
    return explained / np.maximum((2 * slope - 1) * variance + errors, explained + TINY)


def _slope(
    estimate_squared: Float[ndarray, " known"], times_truth: Float[ndarray, " known"], codes: Int[ndarray, " known"]
) -> tuple[float, float]:
    """Return the slope of the true values on the estimates and its variance, with a normal prior around 1."""
    total = estimate_squared.sum()
    if not total > 0:
        return 1.0, SLOPE_SPREAD**2
    slope = times_truth.sum() / total
    variance = _squares(times_truth - slope * estimate_squared, codes).sum() / total**2
    weight = SLOPE_SPREAD**2 / (SLOPE_SPREAD**2 + variance)
    return float(1 + weight * (slope - 1)), float(weight * variance)


def _of_worth(
    squared_error: Float[ndarray, " known"],
    spread: Float[ndarray, "kind known"],
    others: Float[ndarray, "kind known"],
    codes: Int[ndarray, " known"],
) -> Float[ndarray, " worth"]:
    """Return how probable each of WORTHS is: the sum of what squared errors exceed those it would lead to expect is normal."""
    log_density = -0.5 * ((np.log2(WORTHS) - USUAL_WORTH) / WORTH_SPREAD) ** 2
    for at, worth in enumerate(WORTHS):
        excess = squared_error - _errors(spread, others, worth)
        variance = _squares(excess, codes).sum()
        if variance > 0:
            log_density[at] -= 0.5 * (excess.sum() ** 2 / variance + np.log(variance))
    weights = np.exp(log_density - log_density.max())
    return weights / weights.sum()


def _errors(spread: ByKind, runs: ByKind, worth: float) -> Float[ndarray, " example"]:
    """Return the squared errors to expect of the difference of two proportions that are known from runs + worth outcomes."""
    return (spread / (runs + worth)).sum(axis=0)


def _codes(groups: Shaped[ndarray, " example"] | None, n: int) -> Int[ndarray, " example"]:
    """Return the number of each example's group; an example without one is a group of its own."""
    codes = np.arange(n)
    if groups is not None:
        _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
        grouped = groups != ""
        codes[grouped] = first[inverse][grouped]
    return codes


def _squares(parts: Float[ndarray, " example"], codes: Int[ndarray, " example"]) -> Float[ndarray, " group"]:
    """Return the squared sums over groups."""
    return np.bincount(codes, parts) ** 2 if len(parts) else parts
