"""Stop by itself: collect until memorization is known as well as was asked, and say all along how well it is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.evidence.outcomes import read_outcomes
from byrote.record import Record
from byrote.record.storage import place
from byrote.summaries.forecast import Forecast, Tally
from byrote.task.designs import Subsets
from byrote.task.task import Task
from byrote.training.collect import Progress, collect

GROWTH = 2
"""A forecast from few runs is rough, so no extension more than doubles the runs."""


@dataclass(frozen=True)
class Going:
    """How far a collection is, and how well memorization is known by now (None below a few runs)."""

    steps: int
    of_steps: int
    runs: int
    of_runs: int
    forecast: Forecast | None


Watcher = Callable[[Going], None]


def collect_until(
    task: Task,
    directory: Path | str,
    *,
    standard_error: float | None = None,
    runs: int | None = None,
    progress: Watcher | None = None,
    **settings: Any,
) -> Record:
    """Collect runs until the median standard error of memorization is at most `standard_error`, and return the record.

    The design is extended by whole blocks, each by as many runs as the forecast asks for, so that balance holds
    whenever it stops. `runs` is then the most to train in all; without `standard_error`, the number to train.
    `settings` are those of `byrote.collect`. Raises InvalidData for a standard error that is not between 0 and 1.
    """
    if standard_error is not None and not 0 < standard_error < 1:
        raise InvalidData(f"A standard error of {standard_error} cannot be reached. Give a number between 0 and 1.")
    known = Known(directory)

    def tell(now: Progress) -> None:
        if progress is not None:
            known.read(now.finished)
            progress(Going(now.steps, now.of_steps, now.runs, now.of_runs, known.forecast()))

    if standard_error is None:
        return collect(task, directory, runs=runs, progress=tell, **settings)
    design = settings.get("design") or Subsets()
    record = collect(task, directory, runs=0, **settings)
    unit = design.default_runs(record.population.groups[record.population.split == "train"])
    planned = len(record.runs)
    while True:
        known.read(record.runs)
        forecast = known.forecast()
        if forecast is not None and forecast.standard_error <= standard_error:
            return record
        if runs is not None and planned >= runs:
            return record
        needed = 0 if forecast is None else min(forecast.runs_for(standard_error), GROWTH * planned)
        planned += unit * max(1, -(-(needed - planned) // unit))
        planned = planned if runs is None else min(planned, runs)
        record = collect(task, directory, runs=planned, progress=tell, **settings)


class Known:
    """What finished runs say about memorization so far; each run is read once."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = place(directory)
        self.counted: set[int] = set()

    def read(self, runs: Sequence[int]) -> None:
        """Count these runs, unless they are counted."""
        for run in set(runs) - self.counted:
            self.counted.add(run)
            outcomes = read_outcomes(self.record, runs=[run], positions=np.flatnonzero(self.real))
            self.tally.add(outcomes.correct[0], outcomes.member[0])

    def forecast(self) -> Forecast | None:
        """Return how well memorization is known, and what more would take."""
        return self.tally.forecast() if self.counted else None

    @cached_property
    def record(self) -> Record:
        """The record, opened when the first run is there."""
        return Record(self.directory)

    @cached_property
    def real(self) -> Bool[ndarray, " example"]:
        """Who counts: the user's own training examples."""
        return self.record.population.split == "train"

    @cached_property
    def tally(self) -> Tally:
        """The counts of all runs that have been read."""
        return Tally(int(self.real.sum()))
