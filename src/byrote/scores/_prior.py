"""A margin predicted from features, each example from all others: ridge regression (Hoerl & Kennard, 1970; Allen, 1974)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.scores._run_sums import PerExample

PENALTIES = 10.0 ** np.arange(-2.0, 5.1, 0.5)
"""Candidates for the penalty on the coefficients, all but the constant's."""

FARTHEST = 4.0
"""Features are clipped at so many standard deviations from their mean."""

CONSTANT = 1e3
"""The constant term, so large that the penalty does not hold its coefficient."""

LARGEST_LEVERAGE = 0.999
"""The share of its own prediction that an example may have at most, before it is taken out."""

Features = Float[ndarray, "example feature"]


@dataclass(frozen=True)
class Prior:
    """Margins as a quadratic function of features, with what takes each example out of its own prediction again.

    `use` are the examples that it was fitted to; `terms` are theirs along the principal axes, `weights` the inverse of the
    penalized squares along these, and `left_out` their errors where each is predicted from all others.
    """

    centre: Float[ndarray, " feature"]
    spread: Float[ndarray, " feature"]
    axes: Float[ndarray, "term axis"]
    weights: Float[ndarray, " axis"]
    coefficients: Float[ndarray, " axis"]
    use: Bool[ndarray, " example"]
    terms: Float[ndarray, "used axis"]
    left_out: Float[ndarray, " used"]

    def predict(self, features: Features) -> PerExample:
        """Return the margin to expect of each example from the others' margins, and from these features of its own.

        The features may come from fewer runs than those that it was fitted to: the example's margin stays left out.
        """
        terms = _terms(features, self.centre, self.spread) @ self.axes
        predicted = terms @ self.coefficients
        own = np.einsum("ij,j,ij->i", terms[self.use], self.weights, self.terms)
        predicted[self.use] -= own * self.left_out
        return predicted


def fit_prior(features: Features, margin: PerExample, use: Bool[ndarray, " example"]) -> Prior:
    """Return the regression of the margins of the examples in `use`, of which there is at least one.

    The penalty is that under which each example is predicted best from all others (Allen's PRESS).
    """
    known = np.isfinite(features[use])
    count, values = np.maximum(known.sum(axis=0), 1), np.where(known, features[use], 0.0)
    centre = values.sum(axis=0) / count
    spread = np.sqrt(np.where(known, (values - centre) ** 2, 0.0).sum(axis=0) / count)
    spread = np.where(spread > 0, spread, 1.0)
    terms, y = _terms(features[use], centre, spread), margin[use]
    squares, axes = np.linalg.eigh(terms.T @ terms)
    squares, terms = np.maximum(squares, 0.0), terms @ axes
    along = terms.T @ y

    def left_out(penalty: float) -> Float[ndarray, " used"]:
        weights = 1 / (squares + penalty)
        leverage = np.minimum(terms**2 @ weights, LARGEST_LEVERAGE)
        return (y - terms @ (weights * along)) / (1 - leverage)

    penalty = float(min(PENALTIES, key=lambda each: np.sum(left_out(float(each)) ** 2)))
    weights = 1 / (squares + penalty)
    return Prior(centre, spread, axes, weights, weights * along, use, terms, left_out(penalty))


def _terms(
    features: Features, centre: Float[ndarray, " feature"], spread: Float[ndarray, " feature"]
) -> Float[ndarray, "example term"]:
    """Return a constant, the standardized features, and half of their squares and products; a feature that is NaN is 0."""
    standard = np.nan_to_num(np.clip((features - centre) / spread, -FARTHEST, FARTHEST))
    first, second = np.triu_indices(standard.shape[1])
    constant = np.full((len(standard), 1), CONSTANT)
    return np.concatenate([constant, standard, standard[:, first] * standard[:, second] / 2], axis=1)
