"""What OUT models, which were not trained on an example, predict for each of its labels in a multilabel task."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import MissingEvidence
from byrote.record import Record


@dataclass(frozen=True)
class OutLabels:
    """How many of `models` OUT models predict each label of an example right, and how many predict all of them right."""

    right: tuple[int, ...]
    all_right: int
    models: int

    def wrong_share(self, label: int) -> float:
        """Return the share of these models that disagree with the example about this label, from 0 to 1; NaN without one."""
        return 1 - self.right[label] / self.models if self.models else float("nan")


def read_out_labels(record: Record, positions: Int[ndarray, " query"]) -> list[OutLabels]:
    """Return, for each position, what the runs that were not trained on it predict in their last clean pass.

    Raises MissingEvidence for other objectives, and when there is no such prediction for any of the positions.
    """
    if record.objective.name != "multilabel":
        raise MissingEvidence(f"Label sets are counted for multilabel tasks only, not for {record.objective.name}.")
    names = [*(f"correct_{i}" for i in range(record.objective.outputs)), "correct"]
    right, models = np.zeros((len(positions), len(names)), np.int64), np.zeros(len(positions), np.int64)
    for run in record.runs:
        columns = [record.at_step(run, name, record.last_step)[positions].astype(np.float64) for name in names]
        answers = np.stack(columns, axis=1)
        out = ~record.member(run)[positions] & ~np.isnan(answers).any(axis=1)
        right[out] += answers[out].astype(np.int64)
        models += out
    if not models.any():
        raise MissingEvidence(
            f"{record.directory} has no prediction of a run for an example that the run was not trained on. "
            "Collect runs on subsets, with a clean pass over every example at the end."
        )
    return [OutLabels(tuple(row[:-1]), row[-1], n) for row, n in zip(right.tolist(), models.tolist(), strict=True)]
