"""Collect until memorization is known to a given standard error, and report all along how well it is known."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.evidence.outcomes import read_outcomes
from byrote.objectives import Objective
from byrote.record import Record
from byrote.record.storage import place
from byrote.signature import Probe
from byrote.summaries.forecast import Forecast, Tally
from byrote.task.canaries import Canaries
from byrote.task.designs import Design, Subsets
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.progress import Progress, Watcher

GROWTH = 2
"""A forecast from few runs is rough, so no extension more than doubles the runs."""


def collect_until(
    task: Task,
    directory: Path | str,
    *,
    standard_error: float | None = None,
    runs: int | None = None,
    design: Design | None = None,
    canaries: Canaries | None = None,
    seed: int = 0,
    probes: Sequence[Probe | str] = (),
    probe_every: int = 0,
    compute: Compute = Compute(),
    source: str = "",
    progress: Watcher | None = None,
) -> Record:
    """Collect runs until the median standard error of memorization is at most `standard_error`, and return the record.

    The design is extended by whole blocks, each by as many runs as the forecast asks for, so that balance holds
    whenever it stops. `runs` is then the most to train in all; without `standard_error`, the number to train.
    `progress` is called with the forecast. The rest is as in `byrote.collect`. Raises InvalidData for a standard error
    that is not between 0 and 1.
    """
    if standard_error is not None and not 0 < standard_error < 1:
        raise InvalidData(f"A standard error of {standard_error} cannot be reached. Give a number between 0 and 1.")
    known, scheme = Known(directory, task.learned), design or Subsets()
    if standard_error is not None and not known.followed:
        raise InvalidData(
            f"A standard error is forecast for outcomes that are right or wrong, and this task learns {task.learned.name}. Give the number of runs."
        )

    def watch(now: Progress) -> None:
        if progress is not None:
            known.read(now.finished)
            progress(replace(now, forecast=known.forecast()))

    def gather(runs: int | None) -> Record:
        return collect(
            task,
            directory,
            runs=runs,
            design=scheme,
            canaries=canaries,
            seed=seed,
            probes=probes,
            probe_every=probe_every,
            compute=compute,
            source=source,
            progress=watch,
        )

    if standard_error is None:
        return gather(runs)
    record = gather(0)
    unit = scheme.default_runs(record.population.groups[record.population.split == "train"])
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
        record = gather(planned)


class Known:
    """How well finished runs determine memorization so far, where outcomes are right or wrong; each run is read once."""

    def __init__(self, directory: Path | str, objective: Objective) -> None:
        self.directory, self.followed = place(directory), objective.outcome == "correct"
        self.counted: set[int] = set()

    def read(self, runs: Sequence[int]) -> None:
        """Count these runs, unless they are counted."""
        for run in set(runs) - self.counted if self.followed else ():
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
