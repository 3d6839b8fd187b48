"""From a latent margin to a probability: a logistic curve, fitted to held-out counts of right predictions."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import expit, xlogy

from byrote.scores._run_sums import PerExample

MIN_PROBABILITY = 1e-5
"""Predicted probabilities are clipped to this and to one minus this, when predictions are compared."""

PROBIT_SLOPE = 1.7
"""The normal distribution function is close to the logistic one of so many times its argument."""

START = np.array([0.0, PROBIT_SLOPE, 0.0])
"""Coefficients like those of the normal distribution function."""

Coefficients = Float[ndarray, " term"]


def probability(latent: PerExample, coefficients: Coefficients) -> PerExample:
    """Return the probability to be right at these latent margins."""
    return expit(_basis(latent) @ coefficients)


def slope(latent: PerExample, coefficients: Coefficients) -> PerExample:
    """Return the change of the log-odds with the latent margin."""
    return coefficients[1] + coefficients[2] / (1 + np.abs(latent))


def clipped(probability: PerExample) -> PerExample:
    """Return probabilities that are not quite 0 or 1."""
    return np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)


def log_likelihood(probability: PerExample, successes: PerExample, trials: PerExample) -> float:
    """Return how likely these counts are, on a logarithmic scale."""
    p = clipped(probability)
    return float(np.sum(xlogy(successes, p) + xlogy(trials - successes, 1 - p)))


def fit_link(
    latent: PerExample, successes: PerExample, trials: PerExample, *, start: Coefficients = START
) -> Coefficients:
    """Return the coefficients of the curve: a logistic regression of counts on the latent margin (Newton, from `start`).

    A normal prior with unit variance holds them near those of the normal distribution function.
    """
    x, coefficients = np.ascontiguousarray(_basis(latent).T), start

    def at(coefficients: Coefficients) -> tuple[float, PerExample]:
        """Return the log posterior, and the probabilities."""
        log_odds = coefficients @ x
        small = np.exp(-np.abs(log_odds))
        log_density = successes @ log_odds - trials @ (np.maximum(log_odds, 0.0) + np.log1p(small))
        p = np.where(log_odds >= 0, 1.0, small) / (1 + small)
        return float(log_density - np.sum((coefficients - START) ** 2) / 2), p

    reached, p = at(coefficients)
    for _ in range(30):
        expected = trials * p
        gradient = x @ (successes - expected) - (coefficients - START)
        change = np.linalg.solve((x * (expected * (1 - p))) @ x.T + np.eye(3), gradient)
        new, p_there = at(coefficients + change)
        while new < reached and np.abs(change).max() > 1e-9:
            change = change / 2
            new, p_there = at(coefficients + change)
        coefficients, reached, p = coefficients + change, new, p_there
        if np.abs(change).max() < 1e-9:
            break
    return coefficients


def _basis(latent: PerExample) -> Float[ndarray, "example term"]:
    """Return what the log-odds are linear in: a constant, the latent margin, and its logarithm, for tails."""
    return np.stack([np.ones_like(latent), latent, np.sign(latent) * np.log1p(np.abs(latent))], axis=1)
