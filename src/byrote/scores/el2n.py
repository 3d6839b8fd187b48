"""EL2N, the error's L2 norm early in training, Paul, Ganguli & Dziugaite, 2021, arXiv:2107.07075."""

from jaxtyping import Float
from numpy import ndarray

from byrote.signature import score


@score(high="hard")
def el2n(residual_seen: Float[ndarray, " example"], *, step: int = 20) -> Float[ndarray, " example"]:
    """Distance of prediction from label at an early step: 0 is certain and right, sqrt(2) certain and wrong.

    ||softmax - one-hot label||_2 at `step` (Paul et al. 2021), in [0, sqrt 2]; `step` selects which one is read.
    The paper averages ten runs or more.

    It misleads from one run: with another seed the ranking has a correlation of about .3 with it. At a late step, when all
    examples are fitted, it says little.
    """
    return residual_seen
