"""Cumulative confidence, a learning-speed proxy, Jiang, Zhang, Talwar & Mozer, 2021, arXiv:2002.03206."""

from jaxtyping import Float
from numpy import ndarray

from byrote.scores import _presentations as presentations
from byrote.scores._first_steps import first
from byrote.signature import score


@score(high="easy")
def mean_confidence(
    confidence_seen: Float[ndarray, "step example"], *, until: int | None = None
) -> Float[ndarray, " example"]:
    """Mean probability of the label over the first steps: 1 is learned early, 0 is late or never.

    mean over steps 1 to `until` (None: all) of the label's softmax probability (Jiang et al. 2021: learning
    speed), in [0, 1]. Steps without a presentation are skipped; NaN where there are none. Raises
    MissingEvidence when `until` is below 1 or above the number of steps.

    It misleads across models and sizes: it is a proxy. Measure its agreement with memorization on your own data.
    """
    return presentations.mean(first("mean_confidence", confidence_seen, until))
