"""From a score's signature to arrays: fetch the columns that it names, or say what would produce them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence, Remedy
from byrote.record import Record
from byrote.scores import SCORES
from byrote.signature import Need, Score

BADLY_PREDICTED = ("loss", "residual")
"""Columns that are high where the label is badly predicted; as an `outcome` they are negated."""

Read = Callable[[int, str, int], NDArray[Any]]
"""What reads a column of a run at a step, as `Record.at_step` does."""


def per_run(
    score: Score, record: Record, runs: Sequence[int] | None = None, *, read: Read | None = None
) -> Iterator[tuple[int, Float[ndarray, " example"]]]:
    """Yield (run, values) of a score that speaks about one model; raise MissingEvidence for a score across runs."""
    if "run" in score.axes:
        raise MissingEvidence(f"{score} compares runs, so it has no value inside one run. Use byrote.evaluate.")
    for run in chosen_runs(score, record, runs):
        columns = [in_run(need, record, run, score, read or record.at_step) for need in score.needs]
        yield run, np.asarray(score(*columns), np.float64)


def stack(
    need: Need,
    record: Record,
    runs: Sequence[int],
    score: Score,
    read: Read,
    positions: Int[ndarray, " example"] | slice = slice(None),
) -> NDArray[Any]:
    """Return one column of several runs, of everyone or of those at `positions`; of a need without runs, that of the last."""
    parts = [in_run(need, record, run, score, read)[..., positions] for run in runs]
    return np.stack(parts) if "run" in need.axes else parts[-1]


def in_run(need: Need, record: Record, run: int, score: Score, read: Read) -> NDArray[Any]:
    """Return one column of one run with the axes and the kind that the score's signature states.

    A column that is no column of a record is the value of the one-run score of that name; NaN where the run lacks what
    that score reads, for what it says is an aid and not the evidence. An `outcome` is the column that the option
    `column` names, negated where high is badly predicted.
    """
    if need.column == "member":
        return record.member(run)
    column = score.options.get("column")
    if need.column == "outcome" and column not in (None, "outcome"):
        values = in_run(replace(need, column=str(column)), record, run, score, read).astype(np.float32)
        return -values if column in BADLY_PREDICTED else values
    if need.column in SCORES and need.column not in record.layout.columns:
        try:
            ((_, values),) = per_run(SCORES[need.column], record, [run], read=read)
        except MissingEvidence:
            values = np.full(len(record.population), np.nan)
        return values.astype(np.float32)
    if need.column not in record.layout.columns:
        raise MissingEvidence(
            f"{score} reads {need}, which this record does not have. A probe is computed while models train{_as_long_as(record)}.",
            Remedy("probe", need.column),
        )
    if "step" in need.axes:
        values = record.over_steps(run, need.column)
    else:
        step = score.options.get("step", -1)
        if type(step) is not int:
            raise MissingEvidence(f"{score} was asked for step {step!r}, which is not a whole number. Write 'step=5'.")
        values = read(run, need.column, record.last_step if step == -1 else step)
    recorded = ~np.isnan(values)
    if not recorded.any():
        raise MissingEvidence(
            f"{score} reads {need}, but run {run} has not recorded it. Collect runs that do{_as_long_as(record)}, or choose another score."
        )
    if need.kind == "float":
        return values.astype(np.float32, copy=False)
    if not recorded.all():
        raise MissingEvidence(
            f"{score} reads {need} of everyone, but run {run} lacks it for {(~recorded).sum()} of {recorded.size}. Use the last step, or record a clean pass over everyone."
        )
    return values.astype(np.bool_ if need.kind == "bool" else np.int64)


def chosen_runs(score: Score, record: Record, runs: Sequence[int] | None) -> Sequence[int]:
    """Return these runs (None: all); raise MissingEvidence when there are fewer than the score needs."""
    chosen = record.runs if runs is None else runs
    needed = 2 if "run" in score.axes else 1
    if len(chosen) < needed:
        raise MissingEvidence(
            f"{score} needs {needed} runs or more, but {record.directory} has {len(chosen)} finished{_as_long_as(record)}.",
            Remedy("more_runs", needed),
        )
    return chosen


def _as_long_as(record: Record) -> str:
    """Return what the runs of this record took, for a sentence that asks for more; nothing where it is not known."""
    seconds = list(record.seconds().values())
    return f" (a run took {np.median(seconds):.0f} s here, one after the other)" if seconds else ""
