"""What OUT models, which were not trained on an example, predict for it at the last step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.record import Record


@dataclass(frozen=True)
class OutPredictions:
    """How many models that were not trained on an example predict each class, by class index."""

    counts: tuple[int, ...]

    @cached_property
    def models(self) -> int:
        """How many models were not trained on the example and predicted it."""
        return sum(self.counts)

    def share(self, label: int) -> float:
        """Return the share of these models that predict this class, from 0 to 1; NaN when there is no such model."""
        return self.counts[label] / self.models if self.models else float("nan")

    def alternative(self, label: int) -> int | None:
        """Return the class other than `label` that they predict most often; None when they predict no other."""
        others = [(count, -at) for at, count in enumerate(self.counts) if count and at != label]
        return -max(others)[1] if others else None


def read_out_predictions(
    record: Record, positions: Int[ndarray, " query"], runs: Sequence[int]
) -> list[OutPredictions]:
    """Return, for each position, what the runs that were not trained on it predict in their last clean pass.

    Raises MissingEvidence when there is no such prediction for any of the positions, and for other objectives.
    """
    if record.objective.name != "classification":
        raise MissingEvidence(f"Predicted labels are counted for classification only, not for {record.objective.name}.")
    counts = np.zeros((len(positions), len(record.classes)), np.int64)
    for run in runs:
        predicted: NDArray[np.float64] = record.at_step(run, "prediction", record.last_step)[positions].astype(
            np.float64
        )
        out = ~record.member(run)[positions] & ~np.isnan(predicted)
        np.add.at(counts, (np.flatnonzero(out), predicted[out].astype(np.int64)), 1)
    if not counts.any():
        raise MissingEvidence(
            f"{record.directory} has no prediction of a run for an example that the run was not trained on. "
            "Collect runs on subsets, with a clean pass over every example at the end."
        )
    return [OutPredictions(tuple(row.tolist())) for row in counts]
