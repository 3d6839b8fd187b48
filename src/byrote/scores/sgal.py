"""Loss to the weight-norm peak (SGAL), Memorization through the lens of sample gradients, ICLR 2026, OpenReview jeTiBeW3iZ."""

from jaxtyping import Float
from numpy import ndarray

from byrote.scores import _presentations as presentations
from byrote.scores._first_steps import first
from byrote.signature import score


@score(high="hard")
def sgal(loss_seen: Float[ndarray, "step example"], *, until: int | None = None) -> Float[ndarray, " example"]:
    """Loss summed over the first steps, in nats: 0 is easy from the start, high is learned late or never.

    sum over steps 1 to `until` of the cross-entropy of the label. The paper stops where the norm of the weights first
    peaks, which `byrote.summaries.weight_norm_peak` finds; with `until=None` it is `csl`. Steps without a presentation
    add nothing; NaN where there are none. Raises MissingEvidence when `until` is below 1 or above their number.

    It misleads where many labels are wrong: at the peak of the weight norm these do not yet differ from the others.
    """
    return presentations.total(first("sgal", loss_seen, until))
