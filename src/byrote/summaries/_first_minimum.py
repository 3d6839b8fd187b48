"""Where a series turns for the first time."""

import math

from jaxtyping import Float
from numpy import ndarray


def first_minimum(series: Float[ndarray, " step"]) -> float:
    """Return the first local minimum's step, counted from 1: the lowest one before the first rise; infinity without a rise.

    NaN entries are passed over. Of equal neighbours it is the first.
    """
    lowest, at = math.inf, math.inf
    for step, value in enumerate(series.tolist(), start=1):
        if value < lowest:
            lowest, at = value, float(step)
        elif value > lowest:
            return at
    return math.inf
