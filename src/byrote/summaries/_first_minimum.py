"""The first local minimum of a series."""

import math

from jaxtyping import Float
from numpy import ndarray


def first_minimum(series: Float[ndarray, " step"]) -> float:
    """Return the step of the first local minimum, counted from 1: the lowest before the first rise; infinity without a rise.

    NaN entries are skipped. Of equal neighbours it is the first.
    """
    lowest, at = math.inf, math.inf
    for step, value in enumerate(series.tolist(), start=1):
        if value < lowest:
            lowest, at = value, float(step)
        elif value > lowest:
            return at
    return math.inf
