"""Difference of two recalls of the same list, example by example and run by run."""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import t_quantile
from byrote.summaries._clusters import effective_number, two_way_variance


@checked
def recall_difference(
    right: Bool[ndarray, "run example"], other: Bool[ndarray, "run example"], *, level: float = 0.9
) -> Estimate:
    """Share of a list that is answered exactly, minus the same of another way of answering it: above 0, the first recalls more.

    Run r of the one is compared with run r of the other, and so is each example. The interval is about other runs and other
    examples of the same kind at once: Student's, with runs and examples as clusters (Cameron, Gelbach & Miller, 2011).
    Where all answers agree it is that of so many examples without a difference among them. In simulations of 2 to 10 runs
    and 20 to 1,000 examples it held the difference in 81 to 98 % of draws at level .9, least often where nearly all is
    right. Raises Unsupported without a run or an example.
    """
    if not right.size:
        raise Unsupported(
            f"{right.shape[0]} runs and {right.shape[1]} examples have no recall. Give one of each or more."
        )
    apart = right.astype(np.float64) - other
    mean = float(apart.mean())
    variance, freedom = two_way_variance((apart - mean) / right.size)
    if variance > 0:
        half = float(t_quantile(level, max(freedom, 1)) * np.sqrt(variance))
    else:  # as if one example in so many could differ
        none = Estimate.of_share(0, effective_number(right, np.ones_like(right)), "answer", level=level)
        half = none.high
    return Estimate(mean, max(mean - half, -1.0), min(mean + half, 1.0), right.size, "answer", level)
