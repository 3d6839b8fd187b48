"""The first steps of training, for scores that may stop early."""

from jaxtyping import Float
from numpy import ndarray

from byrote.errors import MissingEvidence


def first(caller: str, values: Float[ndarray, "step example"], until: int | None) -> Float[ndarray, "first example"]:
    """Return steps 1 to `until` (None: all); raise MissingEvidence where `until` is below 1 or above their number."""
    if until is None:
        return values
    if not 1 <= until <= len(values):
        raise MissingEvidence(
            f"{caller} has until={until}, and there are {len(values)} steps. "
            f"Choose `until` from 1 to {len(values)}, or None for all."
        )
    return values[:until]
