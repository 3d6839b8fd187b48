"""Data maps (confidence, variability, correctness), Swayamdipta et al., 2020, arXiv:2009.10795."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.scores import _presentations as presentations
from byrote.signature import score


@score(high="easy")
def confidence(confidence_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Mean probability of the label during training: 1 is easy, 0 is hard or mislabeled.

    mean over steps of the label's softmax probability (Swayamdipta et al. 2020), in [0, 1]. Steps without a
    presentation are skipped; NaN where there are none.

    It misleads across models: a faster learner is more confident about everything.
    """
    return presentations.mean(confidence_seen)


@score(high="hard")
def variability(confidence_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """How much the probability of the label varied during training: 0 is constant, high (up to .5) is ambiguous.

    Population standard deviation over steps of the label's softmax probability (Swayamdipta et al. 2020), in
    [0, .5]. Steps without a presentation are skipped; NaN where there are none.

    It misleads when read as difficulty: an example that is never learned varies as little as one learned at once.
    """
    centred = confidence_seen - presentations.mean(confidence_seen)
    return np.sqrt(presentations.mean(centred**2))


@score(high="easy")
def correctness(correct_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Share of the presentations at which it was right: 1 is easy, 0 is never learned.

    mean over steps of `correct` (Swayamdipta et al. 2020), in [0, 1]. Steps without a presentation are
    skipped; NaN where there are none.

    It misleads since it has many ties: T presentations give at most T + 1 values.
    """
    return presentations.mean(correct_seen)
