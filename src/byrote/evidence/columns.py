"""From a score's signature to arrays: read the columns that it names, or say what would produce them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from byrote.errors import MissingEvidence, Remedy
from byrote.objectives import OBJECTIVES
from byrote.record import Record
from byrote.record.surroundings import COLUMNS as SURROUNDINGS
from byrote.scores import SCORES
from byrote.signature import Need, Score

BADLY_PREDICTED = ("loss", "residual")
"""Columns that are high where the label is badly predicted; as an `outcome` they are negated."""

Read = Callable[[int, str, int], Shaped[ndarray, " example"]]
"""A function that reads a column of a run at a step, as `Record.at_step` does."""


def per_run(
    score: Score, record: Record, runs: Sequence[int] | None = None, *, read: Read | None = None
) -> Iterator[tuple[int, Float[ndarray, " example"]]]:
    """Yield (run, values) of a score of one model; raise MissingEvidence for a score across runs."""
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
) -> Shaped[ndarray, "..."]:
    """Return one column of several runs for the examples at `positions`; for a need without runs, that of the last run."""
    parts = [in_run(need, record, run, score, read)[..., positions] for run in runs]
    return np.stack(parts) if "run" in need.axes else parts[-1]


def in_run(need: Need, record: Record, run: int, score: Score, read: Read) -> Shaped[ndarray, "..."]:
    """Return one column of one run with the axes and the kind that the score's signature states.

    The first row of RESOLVERS that applies says where it comes from. Raises MissingEvidence where the run does not have it.
    """
    request = Request(need, record, run, score, read)
    return next(resolve(request) for applies, resolve in RESOLVERS if applies(request))


@dataclass(frozen=True, eq=False)
class Request:
    """What a score needs of one run."""

    need: Need
    record: Record
    run: int
    score: Score
    read: Read

    @property
    def is_recorded(self) -> bool:
        """Whether the record has a column of this name."""
        return self.need.column in self.record.layout.columns

    @property
    def outcome(self) -> str:
        """The column that stands for `outcome`: what the score's option `column` says, else that of the record's objective."""
        if self.need.column != "outcome":
            return ""
        column = self.score.options.get("column", self.record.objective.outcome)
        return "" if column in (None, "outcome") else str(column)


def _member(request: Request) -> Bool[ndarray, " example"]:
    return request.record.member(request.run)


def _outcome(request: Request) -> Shaped[ndarray, "*axes"]:
    """Return the column that stands for the outcome, negated where it is high for a badly predicted label."""
    wanted = replace(request, need=replace(request.need, column=request.outcome))
    known = wanted.is_recorded or request.outcome == "member"
    if not known and (request.outcome not in SCORES or request.outcome in _columns_of_objectives()):
        _unknown(wanted)
    values = in_run(wanted.need, request.record, request.run, request.score, request.read)
    values = values if request.need.kind == "any" else values.astype(np.float32)
    return -values if request.outcome in BADLY_PREDICTED else values


def _score_of_the_run(request: Request) -> Float[ndarray, " example"]:
    """Return the value of the one-run score of this name; NaN where the run lacks what it reads, since it is auxiliary."""
    try:
        ((_, values),) = per_run(SCORES[request.need.column], request.record, [request.run], read=request.read)
    except MissingEvidence:
        values = np.full(len(request.record.population), np.nan)
    return values.astype(np.float32)


def _surroundings(request: Request) -> Float[ndarray, " example"]:
    """Return what the data alone say, of all runs alike; NaN where nothing is known, since it is auxiliary."""
    return getattr(request.record.population.surroundings, request.need.column)


def _columns_of_objectives() -> set[str]:
    """Return the columns that a record of some objective has, without those of its single targets."""
    return {name for kind in OBJECTIVES.values() for name in kind().columns()}


def _unknown(request: Request) -> NoReturn:
    objective = request.record.objective
    if request.need.column.removesuffix("_seen") in _columns_of_objectives():
        other = "a score that reads these"
        if "column" in request.score.options:
            other = f"one of them, as in {request.score.name}(column={objective.outcome!r})"
        raise MissingEvidence(
            f"{request.score} reads {request.need}, but this record's models learn {objective.name}, which has the columns "
            f"{', '.join(request.record.layout.columns)}. Choose {other}."
        )
    raise MissingEvidence(
        f"{request.score} reads {request.need}, which this record does not have. A probe is computed while models train{_run_time(request.record)}.",
        Remedy("probe", request.need.column, request.record.door),
    )


def _all_steps(request: Request) -> Shaped[ndarray, "step example"]:
    return _checked(request, request.record.over_steps(request.run, request.need.column))


def _one_step(request: Request) -> Shaped[ndarray, " example"]:
    """Return the column at the step that the score's option `step` names (-1: the last)."""
    step = request.score.options.get("step", -1)
    if type(step) is not int:
        raise MissingEvidence(f"{request.score} has step={step!r}, which is not a whole number. Write 'step=5'.")
    at = request.record.last_step if step == -1 else step
    return _checked(request, request.read(request.run, request.need.column, at))


RESOLVERS: tuple[tuple[Callable[[Request], bool], Callable[[Request], Shaped[ndarray, "..."]]], ...] = (
    (lambda request: request.need.column == "member", _member),
    (lambda request: bool(request.outcome), _outcome),
    (lambda request: request.need.column in SCORES and not request.is_recorded, _score_of_the_run),
    (lambda request: request.need.column in SURROUNDINGS and not request.is_recorded, _surroundings),
    (lambda request: not request.is_recorded, _unknown),
    (lambda request: "step" in request.need.axes, _all_steps),
    (lambda _: True, _one_step),
)
"""When a column comes from where; the first that applies counts."""


def _checked(request: Request, values: Shaped[ndarray, "*axes"]) -> Shaped[ndarray, "*axes"]:
    """Return the values in the kind that the score states. Refuse a column that is missing, or incomplete and not a float."""
    need, run = request.need, request.run
    recorded = ~np.isnan(values)
    if not recorded.any():
        raise MissingEvidence(
            f"{request.score} reads {need}, but run {run} has not recorded it. Collect runs that do{_run_time(request.record)}, or choose another score."
        )
    if need.kind == "float":
        return values.astype(np.float32, copy=False)
    if not recorded.all():
        raise MissingEvidence(
            f"{request.score} reads {need} of all examples, but run {run} lacks it for {(~recorded).sum()} of {recorded.size}. Use the last step, or record a clean pass over all examples."
        )
    if need.kind == "any":
        return values
    return values.astype(np.bool_ if need.kind == "bool" else np.int64)


def chosen_runs(score: Score, record: Record, runs: Sequence[int] | None) -> Sequence[int]:
    """Return these runs (None: all); raise MissingEvidence when there are fewer than the score needs."""
    chosen = record.runs if runs is None else runs
    needed = 2 if "run" in score.axes else 1
    if len(chosen) < needed:
        if len(record.runs) >= needed:
            raise MissingEvidence(
                f"{score} needs {needed} runs or more, but only {len(chosen)} of the {len(record.runs)} finished runs of {record.directory} {'was' if len(chosen) == 1 else 'were'} chosen. Choose more of them."
            )
        raise MissingEvidence(
            f"{score} needs {needed} runs or more, but {record.directory} has {len(record.runs)} finished{_run_time(record)}.",
            Remedy("more_runs", needed, record.door),
        )
    return chosen


def _run_time(record: Record) -> str:
    """Return how long the runs of this record took, for a sentence that recommends more; empty where it is not known."""
    seconds = list(record.seconds().values())
    return f" (a run took {np.median(seconds):.0f} s here, one after the other)" if seconds else ""
