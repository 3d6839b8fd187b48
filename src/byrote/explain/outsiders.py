"""What models that never saw an example say about it, at the last step, with the example's label unknown to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.record import Record


@dataclass(frozen=True)
class Outsiders:
    """How many models that never saw an example gave each class, by class index."""

    counts: tuple[int, ...]

    @property
    def models(self) -> int:
        """How many models never saw it."""
        return sum(self.counts)

    def share(self, label: int) -> float:
        """Return the share of them that say this class, from 0 to 1; NaN when there is no such model."""
        return self.counts[label] / self.models if self.models else float("nan")

    def rival(self, label: int) -> int | None:
        """Return the class they give most often other than this one; None when they never give another."""
        others = [(count, -at) for at, count in enumerate(self.counts) if at != label]
        count, at = max(others, default=(0, 0))
        return -at if count else None


def ask_outsiders(record: Record, positions: Int[ndarray, " query"], runs: Sequence[int]) -> list[Outsiders]:
    """Return, for each position, what the runs that were not trained on it predicted in their last clean pass."""
    counts = np.zeros((len(positions), len(record.classes)), np.int64)
    for run in runs:
        said: NDArray[np.float64] = record.at_step(run, "prediction", record.last_step)[positions].astype(np.float64)
        asked = ~record.member(run)[positions] & ~np.isnan(said)
        np.add.at(counts, (np.flatnonzero(asked), said[asked].astype(np.int64)), 1)
    if not counts.any():
        raise MissingEvidence(
            f"No run of {record.directory} was asked about these examples without being trained on them. "
            "Collect runs on subsets, with a clean pass over everyone at the end."
        )
    return [Outsiders(tuple(int(count) for count in row)) for row in counts]
