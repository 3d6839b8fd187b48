"""Concentration: how few examples of a regression have nearly all of its memorization."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 0.8
"""Nearly all: this share of the sum of the sizes of all values."""

FEW = 0.05
"""Few: at most this share of the examples."""


@dataclass(frozen=True)
class Concentrated:
    """The largest `examples` values, of `of`, are a `share` of the sum of the sizes of all values."""

    examples: int
    of: int
    share: float


def concentrated(values: NDArray[np.float64]) -> Concentrated | None:
    """Return the fewest examples that have MOST of all memorization; None where they are more than FEW. NaN do not count."""
    sizes = np.sort(np.abs(values[np.isfinite(values)]))[::-1]
    if not len(sizes) or not sizes[0]:
        return None
    shares = np.cumsum(sizes) / sizes.sum()
    count = int(np.argmax(shares >= MOST)) + 1
    return Concentrated(count, len(sizes), float(shares[count - 1])) if count <= FEW * len(sizes) else None
