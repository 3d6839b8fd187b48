"""Forgetting events, Toneva et al., 2019, arXiv:1812.05159."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.signature import score


@score(high="hard")
def forgetting(correct_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """How often it was learned and then forgotten: 0 is never forgotten, infinity is never learned.

    Number of presentations at which the example is wrong although it was right at the presentation before
    (Toneva et al. 2019). Steps without a presentation are skipped. Infinity where it was never right, NaN
    where it was never presented.

    It misleads across schedules: with more steps there are more forgetting events. It is a coarse count with many ties,
    and an example that is learned at the very last step counts as never forgotten.
    """
    events = np.zeros(correct_seen.shape[1])
    before = np.full(correct_seen.shape[1], np.nan)
    for now in correct_seen:
        events += (before == 1) & (now < 1)
        before = np.where(np.isnan(now), before, now)
    learned = (correct_seen == 1).any(axis=0)
    return np.where(np.isnan(before), np.nan, np.where(learned, events, np.inf))
