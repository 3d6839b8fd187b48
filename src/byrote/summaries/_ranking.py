"""Checks of what every ranking needs: values that can be ordered, and examples of both kinds."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import Unsupported


def check_ranking(caller: str, values: Float[ndarray, " example"], positive: Bool[ndarray, " example"]) -> None:
    """Raise Unsupported where a value is NaN, or where all examples are positive or all negative."""
    check_defined(caller, values)
    positives, negatives = np.count_nonzero(positive), np.count_nonzero(~positive)
    if not (positives and negatives):
        raise Unsupported(
            f"{caller} needs positives and negatives, and was given {positives} and {negatives}. "
            "Add examples of the missing kind."
        )


def check_defined(caller: str, values: Float[ndarray, " example"]) -> None:
    """Raise Unsupported where a value is NaN."""
    missing = np.count_nonzero(np.isnan(values))
    if missing:
        raise Unsupported(
            f"{caller} cannot rank NaN, and {missing} of the {len(values)} values are NaN. "
            "Leave these examples out and report how many, or collect what is missing."
        )


def top(values: Float[ndarray, " example"], k: int) -> Float[ndarray, " example"]:
    """Return the probability that each value is among the k largest, if ties at the cut are broken at random."""
    cut = np.partition(values, len(values) - k)[len(values) - k]
    above, tied = values > cut, values == cut
    return above + tied * ((k - np.count_nonzero(above)) / np.count_nonzero(tied))
