"""Second-split forgetting time (SSFT), Maini, Garg, Lipton & Kolter, 2022, arXiv:2210.15031."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.signature import score


@score(high="easy")
def second_split_forgetting(correct: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """How many steps it is remembered while training continues without it: 1 is lost at once, infinity is never lost.

    A model is trained on one half of the examples and then on the other half; `correct` is from clean passes over the
    first half, before (the first step) and during the second training. min {t : wrong at t and at every later
    pass} (Maini et al. 2022), in steps since the first. Steps without a pass are skipped. Infinity where the last pass
    is right (the authors' code counts one more than the number of steps). NaN where it was not right at the first step,
    since it was not learned, and where there is no later pass. Mislabeled examples come first, rare ones late.

    It misleads in a record whose training is not in two such halves: the examples are then still trained on. It depends on
    the learning rate of the second training, and an example that is right again at the last pass counts as remembered.
    """
    time = np.full(correct.shape[1], np.inf)
    lost = np.ones(correct.shape[1], np.bool_)
    for step in range(len(correct) - 1, 0, -1):
        now = correct[step]
        lost &= ~(now == 1)
        time = np.where(lost & (now < 1), step, time)
    known, followed = (correct[:1] == 1).any(axis=0), (~np.isnan(correct[1:])).any(axis=0)
    return np.where(known & followed, time, np.nan)
