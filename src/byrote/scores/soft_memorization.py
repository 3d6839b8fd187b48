"""Label memorization by probabilities, after Feldman & Zhang, 2020, arXiv:2008.03703."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.scores._contrast import difference, sums
from byrote.signature import score
from byrote.stats.intervals import newcombe


def _interval(
    confidence: Float[ndarray, "run example"], member: Bool[ndarray, "run example"], *, level: float
) -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
    return newcombe(*sums(confidence, member), *sums(confidence, ~member), level=level)


@score(high="memorized", interval=_interval)
def soft_memorization(
    confidence: Float[ndarray, "run example"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, " example"]:
    """Mean probability of the label if trained on it minus if not: 0 is learned from the others, 1 is known by rote.

    `memorization` with the label's softmax probability in the place of right or wrong, in [-1, 1]: mean over the
    runs with the example minus mean over the runs without it. Of zeros and ones it is `memorization`, with its interval.
    NaN where an example was in every run, or in none; a probability that is NaN is left out. Raises Unsupported
    for a value outside [0, 1].

    The interval is Newcombe's (1998, method 10) with summed probabilities for counts. No variable in [0, 1] varies more
    than right and wrong do, so it is too wide rather than too narrow: for probabilities that vary little it covers
    nearly always. Where the probabilities have no jumps, the interval of `counterfactual` is narrower.

    It misleads when a model is badly calibrated: regularization that lowers all confidences lowers all values, while
    `memorization`, which counts right and wrong, does not change. As for `memorization`, copies hide each other.
    """
    check_probabilities("soft_memorization", confidence)
    return difference(confidence, member)


def check_probabilities(caller: str, confidence: Float[ndarray, "run *position"]) -> None:
    """Raise Unsupported where a value is below 0 or above 1."""
    wrong = np.count_nonzero((confidence < 0) | (confidence > 1))
    if wrong:
        raise Unsupported(
            f"{caller} takes probabilities, and {wrong} of {confidence.size} values are not in [0, 1]. "
            "Take the score `counterfactual` for other outcomes."
        )
