"""Nonparametric maximum likelihood of a mixture of two binomials, Kiefer & Wolfowitz, 1956; Koenker & Mizera, 2014."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import linalg, special

GRID = 17
"""Probabilities on each axis of the grid, at the squared sines of equal angles: denser near 0 and 1."""

MAX_ITERATIONS = 300
"""Iterations after which a fit is taken as it is; 20 to 40 are usual."""

TOLERANCE = 1e-2
"""How far the log likelihood of a fit may be below the best."""


@dataclass(frozen=True)
class Mixture:
    """Weights of the grid's points, and their log likelihood, at most TOLERANCE below the best."""

    weight: Float[ndarray, " point"]
    log_likelihood: float


def grid() -> tuple[Float[ndarray, " point"], Float[ndarray, " point"]]:
    """Return the support of the mixture: at each point P(correct | IN) and P(correct | OUT)."""
    axis = np.sin(np.linspace(0, np.pi / 2, GRID)) ** 2
    p_in, p_out = np.meshgrid(axis, axis, indexing="ij")
    return p_in.ravel(), p_out.ravel()


def likelihood(
    in_correct: Int[ndarray, " cell"],
    in_runs: Int[ndarray, " cell"],
    out_correct: Int[ndarray, " cell"],
    out_runs: Int[ndarray, " cell"],
) -> Float[ndarray, "cell point"]:
    """Return the likelihood of each cell's counts at each point of the grid, divided by the cell's largest."""
    p_in, p_out = grid()
    log = _log_binomial(in_correct, in_runs, p_in) + _log_binomial(out_correct, out_runs, p_out)
    return np.exp(log - log.max(axis=1, keepdims=True))


def fit(
    likelihoods: Float[ndarray, "cell point"],
    examples: Int[ndarray, " cell"],
    part: Bool[ndarray, "part point"],
    total: Float[ndarray, " part"],
) -> Mixture:
    """Return the mixture of maximum likelihood in which each part of the points has its `total` weight.

    Each point is in one part, and the totals are above 0 and add up to 1: one part of all points is the fit without a
    constraint. A primal-dual interior point method: x are the weights, z the multipliers of x >= 0, and `multiplier` those
    of the totals.
    """
    number, parts = examples.astype(np.float64), part.astype(np.float64)
    x = (total / parts.sum(axis=1)) @ parts
    gradient = likelihoods.T @ (number / (likelihoods @ x))
    multiplier = np.where(part, gradient, 0.0).max(axis=1) * 1.1
    z = multiplier @ parts - gradient
    for _ in range(MAX_ITERATIONS):
        density = likelihoods @ x
        gradient = likelihoods.T @ (number / density)
        residual = gradient - multiplier @ parts
        gap = float(x @ z)
        if gap < TOLERANCE and float(np.abs(residual + z).max()) < TOLERANCE:
            break
        target = 0.15 * gap / len(x)
        curvature = number / density**2
        solved = _solved(likelihoods, curvature, z / x, np.vstack([residual + target / x, parts]).T)
        free, shift = solved[:, 0], solved[:, 1:]
        d_multiplier = np.linalg.solve(parts @ shift, parts @ (free + x) - total)
        dx = free - shift @ d_multiplier
        dz = target / x - z - z / x * dx
        length = min(_length(x, dx), _length(z, dz))
        x, z, multiplier = x + length * dx, z + length * dz, multiplier + length * d_multiplier
    x = x * ((total / (parts @ x)) @ parts)
    return Mixture(x, float(number @ np.log(likelihoods @ x)))


def _solved(
    likelihoods: Float[ndarray, "cell point"],
    curvature: Float[ndarray, " cell"],
    diagonal: Float[ndarray, " point"],
    right: Float[ndarray, "point column"],
) -> Float[ndarray, "point column"]:
    """Return H^-1 `right` with H = likelihoods^T diag(curvature) likelihoods + diag(diagonal), by the smaller of two systems."""
    if len(likelihoods) < len(diagonal):  # Woodbury, 1950: a system of the cells
        scaled = likelihoods / diagonal
        inner = scaled @ likelihoods.T
        inner[np.diag_indices(len(inner))] += 1 / curvature
        factor = linalg.cho_factor(inner, lower=True, check_finite=False, overwrite_a=True)
        return right / diagonal[:, None] - scaled.T @ linalg.cho_solve(factor, scaled @ right, check_finite=False)
    hessian = (likelihoods * curvature[:, None]).T @ likelihoods
    hessian[np.diag_indices(len(hessian))] += diagonal
    factor = linalg.cho_factor(hessian, lower=True, check_finite=False, overwrite_a=True)
    return linalg.cho_solve(factor, right, check_finite=False)


def _length(x: Float[ndarray, " point"], dx: Float[ndarray, " point"]) -> float:
    """Return how far, up to 1, one can go along dx with all of x above 0."""
    down = dx < 0
    return min(1.0, 0.95 * float(np.min(-x[down] / dx[down]))) if down.any() else 1.0


def _log_binomial(
    k: Int[ndarray, " cell"], n: Int[ndarray, " cell"], p: Float[ndarray, " point"]
) -> Float[ndarray, "cell point"]:
    """Return the log probability of k right of n at each p, without the binomial coefficient."""
    k1, n1 = k[:, None].astype(np.float64), n[:, None].astype(np.float64)
    return special.xlogy(k1, p) + special.xlog1py(n1 - k1, -p)
