"""Smooth density of two probabilities behind binomial counts: Efron, 2016, Biometrika 103; Eilers & Marx, 1996."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy import linalg, special
from scipy.interpolate import BSpline

POINTS = 24
"""Midpoints on each axis, at equal steps of the angle whose squared sine is the probability: denser near 0 and 1."""

SPLINES = 6
"""Cubic B-splines on each axis."""

RIDGE = 3e-4
"""Precision of the normal prior on what the penalty leaves free: a constant and slopes."""

STRENGTHS = 4.0 ** np.arange(2, -9, -1)
"""Candidates for the strength of the penalty, the smoothest first."""

FAR_BELOW = 5.0
"""Weaker penalties are not tried once the log evidence is so far below the best: their weight is below .01."""

MAX_ITERATIONS = 60
"""Newton steps after which a fit is taken as it is; 2 to 15 are usual."""

FINE = 12
"""Each interval of the grid is cut into so many to see which part of it lies above a threshold."""


def smooth_share(
    in_correct: Int[ndarray, " cell"],
    in_runs: Int[ndarray, " cell"],
    out_correct: Int[ndarray, " cell"],
    out_runs: Int[ndarray, " cell"],
    examples: Int[ndarray, " cell"],
    *,
    above: float,
) -> float:
    """Return the share of the examples whose two probabilities differ by `above` or more, under a smooth density.

    The logarithm of the density is a sum of products of B-splines. Second differences of the coefficients are penalized,
    and the shares under several strengths of the penalty are averaged (on the logit scale) by their Laplace evidence.
    """
    likelihoods = _likelihood(in_correct, in_runs)[:, :, None] * _likelihood(out_correct, out_runs)[:, None, :]
    likelihoods, number = likelihoods.reshape(len(examples), -1), examples.astype(np.float64)
    basis, penalty, marked = _basis(), _penalty(), _marked(above)
    coefficients = np.zeros(len(penalty))
    shares, evidence = list[float](), list[float]()
    for strength in STRENGTHS:
        precision = strength * penalty + RIDGE * np.eye(len(penalty))
        coefficients, found, information = _fit(likelihoods, number, basis, precision, coefficients)
        evidence.append(found + (np.linalg.slogdet(precision)[1] - np.linalg.slogdet(information)[1]) / 2)
        shares.append(float(marked @ special.softmax(basis @ coefficients)))
        if evidence[-1] < max(evidence) - FAR_BELOW:
            break
    weight = special.softmax(evidence)
    return float(special.expit(weight @ special.logit(np.clip(shares, 1e-12, 1 - 1e-12))))


def _fit(
    likelihoods: Float[ndarray, "cell point"],
    number: Float[ndarray, " cell"],
    basis: Float[ndarray, "point term"],
    precision: Float[ndarray, "term term"],
    start: Float[ndarray, " term"],
) -> tuple[Float[ndarray, " term"], float, Float[ndarray, "term term"]]:
    """Return the penalized maximum of the log likelihood: coefficients, value, and the information there.

    Newton's steps. Where the Hessian is not positive, or a step does not help, that of complete data is added.
    """

    def at(coefficients: Float[ndarray, " term"]) -> tuple[ndarray, ndarray, float]:
        weight = special.softmax(basis @ coefficients)
        density = likelihoods @ weight
        return weight, density, float(number @ np.log(density) - coefficients @ precision @ coefficients / 2)

    coefficients, damping = start, 0.0
    weight, density, value = at(coefficients)
    for _ in range(MAX_ITERATIONS):
        expected = (number / density) @ likelihoods * weight  # examples at each point, given their counts
        gradient = basis.T @ (expected - number.sum() * weight) - precision @ coefficients
        complete = number.sum() * _covariance(basis, weight)
        means = (likelihoods * weight) @ basis / density[:, None]
        missing = (basis * expected[:, None]).T @ basis - (means * number[:, None]).T @ means
        while damping < 1e4:
            try:
                hessian = precision + (1 + damping) * complete - missing + damping * 1e-6 * np.eye(len(start))
                new = coefficients + linalg.cho_solve(linalg.cho_factor(hessian), gradient)
                if (step := at(new))[2] >= value - 1e-9:
                    break
            except linalg.LinAlgError:
                pass
            damping = max(4 * damping, 0.05)
        else:
            break
        gain, coefficients, (weight, density, value) = step[2] - value, new, step
        damping = damping / 8 if damping > 0.01 else 0.0
        if gain < 1e-3:
            break
    scores = (likelihoods * weight) @ basis / density[:, None] - weight @ basis
    return coefficients, value, (scores * number[:, None]).T @ scores + precision


def _covariance(basis: Float[ndarray, "point term"], weight: Float[ndarray, " point"]) -> Float[ndarray, "term term"]:
    mean = weight @ basis
    return (basis * weight[:, None]).T @ basis - np.outer(mean, mean)


def _likelihood(correct: Int[ndarray, " cell"], runs: Int[ndarray, " cell"]) -> Float[ndarray, "cell point"]:
    """Return the likelihood of each count at the points of one axis, divided by its largest."""
    p = np.sin(_angles(POINTS)) ** 2
    right, wrong = correct[:, None].astype(np.float64), (runs - correct)[:, None].astype(np.float64)
    log = special.xlogy(right, p) + special.xlog1py(wrong, -p)
    return np.exp(log - log.max(axis=1, keepdims=True))


def _angles(count: int) -> Float[ndarray, " point"]:
    return (np.arange(count) + 0.5) / count * np.pi / 2


def _basis() -> Float[ndarray, "point term"]:
    knots = np.r_[[0.0] * 3, np.linspace(0, np.pi / 2, SPLINES - 2), [np.pi / 2] * 3]
    one = BSpline.design_matrix(_angles(POINTS), knots, 3).toarray()
    return np.kron(one, one)


def _penalty() -> Float[ndarray, "term term"]:
    difference = np.diff(np.eye(SPLINES), 2, axis=0)
    one = difference.T @ difference
    return np.kron(one, np.eye(SPLINES)) + np.kron(np.eye(SPLINES), one)


def _marked(above: float) -> Float[ndarray, " point"]:
    """Return how much of the square around each point has an IN probability larger than the OUT one by `above` or more."""
    p = np.sin(_angles(POINTS * FINE)) ** 2
    apart = p[:, None] - p[None] >= above
    return apart.reshape(POINTS, FINE, POINTS, FINE).mean(axis=(1, 3)).ravel()
