"""The order of examples by a score, wherever they are listed: what is surely memorized (or hard) comes first."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.signature import Score

SHRUNK = ("shrunk_memorization",)
"""Scores whose value is already moved towards the mean where runs are few; these are ranked by it."""

Each = Float[ndarray, " example"]


def surest_first(
    score: Score, value: Each, low: Each, high: Each, positions: Int[ndarray, " chosen"]
) -> Int[ndarray, " rank"]:
    """Return the positions, those that are surely memorized (or hard) first; ties keep their order, NaN comes last.

    The order is that of the end of the interval that is nearer to not memorized: with few runs, the largest values are
    large by luck. A shrunk score, and one without intervals, is ranked by its value. Ties are ordered by the value.
    """
    turned = score.sign * value[positions]
    return positions[np.lexsort((-turned, -_surely(score, value, low, high)[positions]))]


def how_sorted(score: Score, value: Each, low: Each, high: Each, level: float) -> str:
    """Return the order of `surest_first` in a few words."""
    if np.array_equal(_surely(score, value, low, high), score.sign * value, equal_nan=True):
        return f"{score}, {'largest' if score.sign > 0 else 'smallest'} first"
    end, order = ("lower", "largest") if score.sign > 0 else ("upper", "smallest")
    return f"the {end} end of the {100 * level:g} % interval of {score}, {order} first"


def _surely(score: Score, value: Each, low: Each, high: Each) -> Each:
    """Return how memorized (or hard) each example surely is; its value where it has no interval."""
    sign = score.sign
    end = sign * (low if sign > 0 else high)
    plain = score.name in SHRUNK or np.isnan(end[~np.isnan(value)]).all()
    return sign * value if plain else np.where(np.isnan(end) & np.isinf(value), sign * value, end)
