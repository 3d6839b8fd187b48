"""Measuring: how long a call takes, and what one change of an entry does."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

Result = TypeVar("Result")


@dataclass(frozen=True)
class Trial:
    """One entry that was added or changed: seconds until it was done, whether it then `works`, and what it did to the rest.

    `cost` is the change of accuracy on new data, `lost` the share of the other entries that are no longer recalled.
    """

    seconds: float
    works: bool
    cost: float
    lost: float


def timed(call: Callable[[], Result]) -> tuple[float, Result]:
    """Return how many seconds a call took, and what it returned."""
    begin = time.perf_counter()
    found = call()
    return time.perf_counter() - begin, found


def median_seconds(call: Callable[[int], object], count: int) -> float:
    """Return the median time of `count` calls, which get their number."""
    return float(np.median([timed(lambda at=at: call(at))[0] for at in range(count)]))


def share_lost(before: Bool[ndarray, " entry"], after: Bool[ndarray, " entry"]) -> float:
    """Return the share of what was recalled before that no longer is."""
    return float((before & ~after).sum() / max(int(before.sum()), 1))
