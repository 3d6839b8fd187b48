"""Recall: the share of a list that models answer exactly."""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from scipy import special

from byrote.arrays import checked
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import normal_quantile, t_quantile
from byrote.summaries._clusters import effective_number, two_way_variance


@checked
def recalled(right: Bool[ndarray, "run example"], *, level: float = 0.9) -> Estimate:
    """Share of a list of examples that is answered exactly, over runs: 1 is all, 0 is none.

    `right` says it for each run and each example of the list. The interval is about other runs and other examples of the
    same kind at once: Wilson's of as many independent answers as vary as much (runs and examples are clusters; Cameron,
    Gelbach & Miller, 2011), with Student's quantile in place of the normal one. So its lower end is below 1 where all
    answers are right. Of the list itself nothing is uncertain but the run.

    In simulations of 3 to 10 runs and 20 to 1,000 examples, which differed more or less, it held the share in 89 to 98 % of
    draws; in 80 to 89 % where nearly all is right (.95 to .99) and runs differ little, mostly by lying above it. Raises
    InvalidData without a run or an example.
    """
    number, share = effective_number(right, np.ones_like(right)), float(right.mean())
    _, freedom = two_way_variance((right - share) / right.size)
    quantile = t_quantile(level, max(freedom, 1)) if 0 < share < 1 else normal_quantile(level)
    found = Estimate.of_share(share * number, number, "answer", level=float(2 * special.ndtr(quantile) - 1))
    return Estimate(share, found.low, found.high, right.size, "answer", level)
