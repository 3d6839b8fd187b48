"""Deletion: what shows that entries are gone."""

from dataclasses import dataclass

from jaxtyping import Float32
from numpy import ndarray

from byrote.recall.answers import Answers


@dataclass(frozen=True, eq=False)
class Deletion:
    """What was deleted, and what shows that it is gone.

    `fingerprint` is that of the memory now, computed from what it holds; `never_held` whether it is equal to that of a memory
    which never held these entries. `answers` are what the deleted keys find now: none of the deleted ids. `copies_left` is
    how many keys of other entries, or of the impostors by which it is calibrated, are equal to a deleted one.
    """

    ids: tuple[str, ...]
    fingerprint: int
    never_held: bool
    answers: Answers
    copies_left: int


def copies(gone: Float32[ndarray, "gone width"], among: Float32[ndarray, "row width"]) -> int:
    """Return how many keys are equal to one that is gone."""
    return sum(int((among == key).all(1).sum()) for key in gone)
