"""Standard error of a correlation without normal values, Omelka & Pauly, 2012, J. Statistical Planning and Inference 142."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import rankdata


def correlation_error(first: Float[ndarray, " pair"], second: Float[ndarray, " pair"], *, rank: bool = False) -> float:
    """Return the standard error of Fisher's z of Pearson's correlation, or of Spearman's with `rank`; NaN below four pairs.

    The root mean square of the influence of single pairs. It holds for any distribution with finite fourth moments, and for any
    at all with `rank`. Where the values are normal it is 1 / sqrt(n - 3), as Fisher has it. NaN where all values are equal, or
    the correlation is 1 or -1.
    """
    n = len(first)
    if n < 4:
        return float("nan")
    if rank:
        a, b = ((rankdata(values) - 0.5) / n for values in (first, second))
        across, along, upright = (_rank_influence(*pair) for pair in ((a, b), (a, a), (b, b)))
    else:
        across, along, upright = (_influence(*pair) for pair in ((first, second), (first, first), (second, second)))
    (covariance, moved), (one, moved_one), (other, moved_other) = across, along, upright
    with np.errstate(divide="ignore", invalid="ignore"):
        r = covariance / np.sqrt(one * other)
        moves = moved / np.sqrt(one * other) - r / 2 * (moved_one / one + moved_other / other)
        error = float(np.sqrt(np.sum(moves**2) / (n * (n - 3))) / (1 - r**2))
    return error if np.isfinite(error) and abs(r) < 1 - 1e-12 else float("nan")


def _influence(a: Float[ndarray, " pair"], b: Float[ndarray, " pair"]) -> tuple[float, Float[ndarray, " pair"]]:
    """Return the covariance, and how much each pair moves it."""
    products = (a - a.mean()) * (b - b.mean())
    return float(products.mean()), products - products.mean()


def _rank_influence(a: Float[ndarray, " pair"], b: Float[ndarray, " pair"]) -> tuple[float, Float[ndarray, " pair"]]:
    """Return the covariance of two lists of ranks in (0, 1), and how much each pair moves it, also by others' ranks."""
    covariance, moved = _influence(a, b)
    a_of_others, b_of_others = _share_above(a, b - b.mean()), _share_above(b, a - a.mean())
    return covariance, moved + (a_of_others - a_of_others.mean()) + (b_of_others - b_of_others.mean())


def _share_above(ranks: Float[ndarray, " pair"], weights: Float[ndarray, " pair"]) -> Float[ndarray, " pair"]:
    """Return, for each pair, the mean weight of the pairs whose rank is above its own; half of the weight where equal."""
    levels, which = np.unique(ranks, return_inverse=True)
    at = np.bincount(which, weights, minlength=len(levels))
    above = at.sum() - np.cumsum(at)
    return (above + at / 2)[which] / len(ranks)
