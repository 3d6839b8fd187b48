"""The mixture of two chances behind counts: maximum likelihood, Kiefer & Wolfowitz, 1956; Koenker & Mizera, 2014."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import linalg, special

AXIS = 17
"""Chances on each axis of the grid, at the squared sines of even steps: closer to each other near 0 and 1."""

STEPS = 300
"""Steps after which a fit is taken as it is; 20 to 40 are usual."""

GAP = 1e-2
"""How far a fit may be from the best, in units of the log likelihood."""


@dataclass(frozen=True)
class Mixture:
    """Weights of the grid's points, and their log likelihood, at most GAP below the best."""

    weight: Float[ndarray, " point"]
    log_likelihood: float


def grid() -> tuple[Float[ndarray, " point"], Float[ndarray, " point"]]:
    """Return the pairs of chances (with, without) that the mixture is of."""
    axis = np.sin(np.linspace(0, np.pi / 2, AXIS)) ** 2
    first, second = np.meshgrid(axis, axis, indexing="ij")
    return first.ravel(), second.ravel()


def likelihood(
    right_in: Int[ndarray, " cell"],
    inside: Int[ndarray, " cell"],
    right_out: Int[ndarray, " cell"],
    outside: Int[ndarray, " cell"],
) -> Float[ndarray, "cell point"]:
    """Return the chance of each cell's counts at each point of the grid, over the largest of the cell."""
    first, second = grid()
    log = _log_binomial(right_in, inside, first) + _log_binomial(right_out, outside, second)
    return np.exp(log - log.max(axis=1, keepdims=True))


def fit(
    chance: Float[ndarray, "cell point"],
    examples: Int[ndarray, " cell"],
    part: Bool[ndarray, "part point"],
    total: Float[ndarray, " part"],
) -> Mixture:
    """Return the likeliest mixture in which each part of the points has its `total` weight.

    Each point is in one part, and the totals are above 0 and add up to 1: one part of all points is the plain
    fit. A primal-dual interior point method: x are the weights, z the multipliers of x >= 0, and `price` those of the totals.
    """
    number, parts = examples.astype(np.float64), part.astype(np.float64)
    x = (total / parts.sum(axis=1)) @ parts
    slope = chance.T @ (number / (chance @ x))
    price = np.where(part, slope, 0.0).max(axis=1) * 1.1
    z = price @ parts - slope
    for _ in range(STEPS):
        y = chance @ x
        slope = chance.T @ (number / y)
        owed = slope - price @ parts
        gap = float(x @ z)
        if gap < GAP and float(np.abs(owed + z).max()) < GAP:
            break
        target = 0.15 * gap / len(x)
        curve = (chance * (number / y**2)[:, None]).T @ chance
        curve[np.diag_indices(len(x))] += z / x
        factor = linalg.cho_factor(curve, lower=True, check_finite=False, overwrite_a=True)
        solved = linalg.cho_solve(factor, np.vstack([owed + target / x, parts]).T, check_finite=False)
        free, shift = solved[:, 0], solved[:, 1:]
        change = np.linalg.solve(parts @ shift, parts @ (free + x) - total)
        dx = free - shift @ change
        dz = target / x - z - z / x * dx
        step = min(_step(x, dx), _step(z, dz))
        x, z, price = x + step * dx, z + step * dz, price + step * change
    x = x * ((total / (parts @ x)) @ parts)
    return Mixture(x, float(number @ np.log(chance @ x)))


def _step(x: Float[ndarray, " point"], dx: Float[ndarray, " point"]) -> float:
    """Return the longest step, up to 1, that leaves everything above 0."""
    down = dx < 0
    return min(1.0, 0.95 * float(np.min(-x[down] / dx[down]))) if down.any() else 1.0


def _log_binomial(k: Int[ndarray, " cell"], n: Int[ndarray, " cell"], p: Float[ndarray, " point"]) -> ndarray:
    k1, n1 = k[:, None].astype(np.float64), n[:, None].astype(np.float64)
    return special.xlogy(k1, p) + special.xlog1py(n1 - k1, -p)
