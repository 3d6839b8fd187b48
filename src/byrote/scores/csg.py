"""Cumulative sample gradient (CSG), Memorization through the lens of sample gradients, ICLR 2026, OpenReview jeTiBeW3iZ."""

from jaxtyping import Float
from numpy import ndarray

from byrote.scores import _presentations as presentations
from byrote.scores._first_steps import first
from byrote.signature import score


@score(high="hard")
def csg(input_gradient: Float[ndarray, "step example"], *, until: int | None = None) -> Float[ndarray, " example"]:
    """Squared input gradient summed over training: 0 is easy from the start, high is learned late or never.

    sum over steps 1 to `until` (None: all) of ||d loss / d input||_2^2, where `input_gradient` is the norm, not yet
    squared. In squared nats per squared unit of the input. Steps without a recorded value add nothing; NaN
    where there are none. Raises MissingEvidence when `until` is below 1 or above the number of steps.

    It misleads when the probe was recorded at late steps only (collect with `probe_every=1`): the sum is then of those
    steps. It misleads across inputs of different scale: inputs multiplied by ten have a hundredth of it. As a sum of
    squares it has no upper bound, and one step at which a run diverged dominates all others.
    """
    return presentations.total(first("csg", input_gradient, until) ** 2)
