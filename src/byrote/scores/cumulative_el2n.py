"""EL2N of Paul, Ganguli & Dziugaite, 2021, arXiv:2107.07075, averaged over training instead of read at one step."""

from jaxtyping import Float
from numpy import ndarray

from byrote.scores import _presentations as presentations
from byrote.scores._first_steps import first
from byrote.signature import score


@score(high="hard")
def cumulative_el2n(
    residual_seen: Float[ndarray, "step example"], *, until: int | None = None
) -> Float[ndarray, " example"]:
    """Mean distance of prediction from label over the first steps: 0 is learned at once, sqrt(2) is always wrong.

    mean (not sum) over steps 1 to `until` (None: all) of ||softmax - one-hot label||_2, in [0, sqrt 2]: examples
    that were presented less often stay comparable. Steps without a presentation are skipped; NaN where there are none. Raises
    MissingEvidence when `until` is below 1 or above the number of steps.

    It misleads across models and recipes: where training is faster, all examples have less of it.
    """
    return presentations.mean(first("cumulative_el2n", residual_seen, until))
