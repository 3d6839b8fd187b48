"""The first steps of training: what scores that may stop early read."""

from jaxtyping import Float
from numpy import ndarray

from byrote.errors import MissingEvidence


def first(asker: str, values: Float[ndarray, "step example"], until: int | None) -> Float[ndarray, "first example"]:
    """Return steps 1 to `until` (None: all); raise MissingEvidence where there are not as many, or none is asked for."""
    if until is None:
        return values
    if not 1 <= until <= len(values):
        raise MissingEvidence(
            f"{asker} was asked for the first {until} steps, and there are {len(values)}. "
            f"Choose `until` from 1 to {len(values)}, or None for all."
        )
    return values[:until]
