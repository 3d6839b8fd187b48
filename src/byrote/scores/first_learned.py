"""First learned: the first step at which an example is right, Toneva et al., 2019, arXiv:1812.05159."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.signature import score


@score(high="hard")
def first_learned(correct_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """The first step at which it was right: 1 is at once, infinity is never.

    min {t : right at t}, in steps of the record, from 1. Steps without a presentation are skipped. Infinity where it
    was never right, NaN where it was never presented. It is at most `learning_time`, where it must stay right.

    It misleads by chance: with C classes, a model that has learned nothing is right about one example in C.
    """
    time = np.full(correct_seen.shape[1], np.inf)
    for step in range(len(correct_seen), 0, -1):
        time = np.where(correct_seen[step - 1] == 1, step, time)
    return np.where(np.isnan(correct_seen).all(axis=0), np.nan, time)
