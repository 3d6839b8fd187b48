"""Values of several runs: those of one run, and those of one example, are clusters, Cameron, Gelbach & Miller, 2011, JBES 29."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import InvalidData


def as_table(
    caller: str, values: Float[ndarray, "*run example"], positive: Bool[ndarray, "*run example"]
) -> tuple[Float[ndarray, "run example"], Bool[ndarray, "run example"]]:
    """Return both as `[run example]`: one axis is one run. Raise InvalidData for more than two axes."""
    if values.ndim > 2:
        raise InvalidData(f"{caller} was given {values.ndim} axes. Give [example], or [run example].")
    return np.atleast_2d(values), np.atleast_2d(positive)


def two_way_variance(part: Float[ndarray, "run example"]) -> tuple[float, float]:
    """Return the variance of a number from each value's part in it (they add up to 0), and its degrees of freedom.

    It holds for new runs and new examples at once: the variance over sums of examples, plus that over sums of runs, less that
    over single values, which is in both. Never below the larger of the first two. The degrees of freedom are Satterthwaite's.
    """
    by_example, by_run, single = (_of_sums(sums) for sums in (part.sum(axis=0), part.sum(axis=1), part.ravel()))
    variance = max(by_example + by_run - single, by_example, by_run)
    runs, examples = part.shape
    noise = by_example**2 / max(examples - 1, 1) + by_run**2 / max(runs - 1, 1)
    return variance, variance**2 / noise if noise > 0 else float(max(min(part.shape) - 1, 1))


def effective_number(hit: Bool[ndarray, "run example"], among: Bool[ndarray, "run example"]) -> float:
    """Return how many independent values would give the share of hits as large a variance.

    With one run it is the number of values. Where all or none are hits, it is the number of examples.
    """
    number = np.count_nonzero(among)
    if len(hit) == 1:
        return float(number)
    share = np.count_nonzero(hit & among) / number
    if share in (0.0, 1.0):
        return float(np.count_nonzero(among.any(axis=0)))
    variance, _ = two_way_variance(np.where(among, hit - share, 0.0) / number)
    return float(np.clip(share * (1 - share) / variance, 1.0, number)) if variance > 0 else float(number)


def _of_sums(sums: Float[ndarray, " cluster"]) -> float:
    number = len(sums)
    return float(np.sum(sums**2)) * number / (number - 1) if number > 1 else 0.0
