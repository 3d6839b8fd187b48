"""Learning time: the step after which an example stays learned, Toneva et al., 2019, arXiv:1812.05159."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.signature import score


@score(high="hard")
def learning_time(correct_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """The first step from which it was right at every presentation: 1 is at once, infinity is never.

    min {t : right at t and at every later presentation}, in steps of the record, from 1. Infinity where the
    last presentation is wrong, NaN where there is none.

    It misleads since one late mistake counts as never having learned it: of two examples that were learned at
    step 3, the one with a mistake at step 50 gets 51 or infinity. The mean confidence is more stable.
    """
    time = np.full(correct_seen.shape[1], np.inf)
    stays = np.ones(correct_seen.shape[1], bool)
    for step in range(len(correct_seen), 0, -1):
        now = correct_seen[step - 1]
        stays &= ~(now < 1)
        time = np.where(stays & (now == 1), step, time)
    return np.where(np.isnan(correct_seen).all(axis=0), np.nan, time)
