"""Cumulative sample loss (CSL), Ravikumar, Soufleri, Hashemi & Roy, 2025, ICML, OpenReview KZlQEoEtiu."""

from jaxtyping import Float
from numpy import ndarray

from byrote.scores import _presentations as presentations
from byrote.signature import score


@score(high="hard")
def csl(loss_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Loss summed over training, in nats: 0 is easy from the start, high is learned late or never.

    sum over steps of the cross-entropy of the label. Steps without a presentation add nothing; NaN where
    there are none.

    It misleads between examples that were presented unequally often, since it is a sum. It has no upper bound: one step
    at which a run diverged dominates all others.
    """
    return presentations.total(loss_seen)
