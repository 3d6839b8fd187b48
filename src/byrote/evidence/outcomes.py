"""Outcomes: how good each prediction was, and which examples each run was trained on, for everything that compares runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import MissingEvidence
from byrote.record import Record


@dataclass(frozen=True, eq=False)
class Outcomes:
    """How good the prediction of every run for every example was at one step, and which examples each run was trained on.

    `correct` is bool where every prediction is recorded and right or wrong. It is float where a prediction may be missing
    (NaN) or has a degree.
    """

    correct: Shaped[ndarray, "run example"]
    member: Bool[ndarray, "run example"]


@checked
def read_outcomes(
    record: Record,
    *,
    column: str | None = None,
    step: int | None = None,
    runs: Sequence[int] | None = None,
    positions: Int[ndarray, " example"] | slice = slice(None),
    missing: Literal["refuse", "nan"] = "refuse",
) -> Outcomes:
    """Return the outcomes of these runs (None: all) at a step (None: the last) for the examples at `positions`.

    A missing prediction is refused, or is NaN: it is never right or wrong. Raises MissingEvidence without a run, and for a
    missing prediction unless `missing` is "nan".
    """
    chosen = record.runs if runs is None else runs
    if not len(chosen):
        raise MissingEvidence(f"{record.directory} has no finished run. Collect some first.")
    at = record.last_step if step is None else step
    column = record.objective.outcome if column is None else column
    rows: list[Shaped[ndarray, " example"]] = []
    for run in chosen:
        values = record.at_step(run, column, at)[positions]
        absent = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)
        if missing == "refuse" and absent.any():
            raise MissingEvidence(
                f"Run {run} lacks `{column}` for {absent.sum()} of {len(values)} examples at step {at}. "
                "Record a clean pass over all examples."
            )
        complete = missing == "refuse" and column == "correct"
        rows.append(values.astype(np.bool_ if complete else np.float64))
    return Outcomes(np.stack(rows), np.stack([record.member(run)[positions] for run in chosen]))
