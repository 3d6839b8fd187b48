"""Outcomes: who was right, and who was trained on whom, read once for everything that compares runs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.record import Record


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Who was right and who was trained on whom, at the last step of every run."""

    correct: Bool[ndarray, "run example"]
    member: Bool[ndarray, "run example"]


def read_outcomes(record: Record) -> Outcomes:
    """Return the answers of all runs; raise MissingEvidence when a run was not asked about everyone."""
    if not record.runs:
        raise MissingEvidence(f"{record.directory} has no finished run. Collect some first.")
    rows: list[NDArray[np.bool_]] = []
    for run in record.runs:
        right = record.at_step(run, "correct", record.last_step)
        if np.isnan(right).any():
            raise MissingEvidence(
                f"Run {run} lacks `correct` for {np.isnan(right).sum()} of {len(right)} examples at its last "
                "step. Record a clean pass over everyone."
            )
        rows.append(right.astype(np.bool_))
    return Outcomes(np.stack(rows), np.stack([record.member(run) for run in record.runs]))
