"""Reliability of posterior means, by runs that they had not seen: how many outcomes what they know is worth.

Prior effective sample size, Morita, Thall & Mueller, 2008, Biometrics 64.
"""

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import normal_quantile

WORTHS = np.exp2(np.arange(0.0, 8.1, 0.125))
"""Candidates for the number of outcomes that all else than an example's own outcomes is worth."""

USUAL_WORTH, WORTH_SPREAD = 2.5, 0.7
"""Their prior: mean and standard deviation of the binary logarithm. See records/stopping."""

ByKind = Float[ndarray, "kind example"]


@checked(text=["groups"])
def held_out_reliability(
    value: Float[ndarray, " example"],
    mean: ByKind,
    runs: ByKind,
    squared_error: Float[ndarray, " example"],
    spread: ByKind,
    others: ByKind,
    groups: Shaped[ndarray, " example"] | None = None,
    *,
    level: float = 0.9,
) -> Estimate:
    """Squared correlation of estimates of memorization with the true values, less its standard error: 1 is exact, 0 is noise.

    v / (v + e), with the variance v of the estimates and the mean e of their squared errors: a true value is its posterior mean
    plus an error that is independent of it. So it is also the correlation to expect with estimates from as many new runs. `value`
    is the difference of two proportions p with the posterior means `mean`, IN and OUT. Each has the variance p (1 - p) / (r + s):
    that of a proportion of r + s outcomes, its own from `runs` r, and s that everything else is worth, which is unknown and
    common to all. It is told by estimates from `others` runs: their p (1 - p), `spread`, and `squared_error`, whose mean is that
    of (estimate - truth)^2 without any bias; NaN where it is unknown. The prior of s is log-normal around 5.7.

    The value is one standard error below the estimate, since whoever stops at a target picks estimates that are too high. The
    interval is around the estimate; it holds what is not known of s, and other examples like these. Examples of one group (equal
    entries of `groups`, other than an empty text) are not independent. Examples without a value are left out, and n counts the
    others. NaN when all estimates are equal.

    It misleads with few examples and few runs (docs/theory.md), and where models are often wrong about what they were trained on.
    """
    defined = np.isfinite(value)
    n = int(defined.sum())
    if n < 2 or not value[defined].var():
        return Estimate(np.nan, np.nan, np.nan, n, "example", level)
    known = defined & np.isfinite(squared_error)
    codes = _codes(groups, len(value))
    weights = _posterior(squared_error[known], spread[:, known], others[:, known], codes[known])
    value, codes, p = value[defined], codes[defined], mean[:, defined]
    deviations = (value - value.mean()) ** 2
    variance = deviations.mean()
    errors = np.stack([(p * (1 - p) / (runs[:, defined] + worth)).sum(axis=0) for worth in WORTHS])
    shares = variance / (variance + errors.mean(axis=1))
    share = float(weights @ shares)
    error = weights @ errors
    parts = (deviations * error.mean() - error * variance) / (variance + error.mean()) ** 2
    of_worth, of_examples = weights @ (shares - share) ** 2, _squares(parts, codes).sum() / n**2
    deviation = float(np.sqrt(of_worth + of_examples))
    half = normal_quantile(level) * deviation
    return Estimate(max(share - deviation, 0.0), max(share - half, 0.0), min(share + half, 1.0), n, "example", level)


def _posterior(
    squared_error: Float[ndarray, " known"],
    spread: Float[ndarray, "kind known"],
    others: Float[ndarray, "kind known"],
    codes: Shaped[ndarray, " known"],
) -> Float[ndarray, " worth"]:
    """Return how probable each of WORTHS is: the sum of what squared errors exceed those it would lead to expect is normal."""
    log_density = -0.5 * ((np.log2(WORTHS) - USUAL_WORTH) / WORTH_SPREAD) ** 2
    for at, worth in enumerate(WORTHS):
        excess = squared_error - (spread / (others + worth)).sum(axis=0)
        variance = _squares(excess, codes).sum()
        if variance > 0:
            log_density[at] -= 0.5 * (excess.sum() ** 2 / variance + np.log(variance))
    weights = np.exp(log_density - log_density.max())
    return weights / weights.sum()


def _codes(groups: Shaped[ndarray, " example"] | None, n: int) -> Shaped[ndarray, " example"]:
    """Return the number of each example's group; an example without one is a group of its own."""
    codes = np.arange(n)
    if groups is not None:
        _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
        grouped = groups != ""
        codes[grouped] = first[inverse][grouped]
    return codes


def _squares(parts: Float[ndarray, " example"], codes: Shaped[ndarray, " example"]) -> Float[ndarray, " group"]:
    """Return the squared sums over groups."""
    return np.bincount(codes, parts) ** 2 if len(parts) else parts
