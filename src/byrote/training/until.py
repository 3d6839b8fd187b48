"""Until: extend a collection until memorization is known to a given standard error, and say all along how well it is known."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.evidence.outcomes import read_outcomes
from byrote.objectives import Objective
from byrote.record import Record
from byrote.record.storage import Place
from byrote.summaries.forecast import Forecast, Tally
from byrote.training.deletion import naming_deletion

GROWTH = 2
"""A forecast from few runs is rough, so no extension more than doubles the runs."""


def check_until(until: float, objective: Objective) -> None:
    """Raise InvalidData for a standard error that cannot be reached, and for outcomes of which none is forecast."""
    if not 0 < until < 1:
        raise InvalidData(f"A standard error of {until} cannot be reached. Give a number between 0 and 1.")
    if objective.outcome != "correct":
        raise InvalidData(
            f"A standard error is forecast for outcomes that are right or wrong, and this task learns {objective.name}. Give the number of runs."
        )


def extend(gather: Callable[[int], Record], known: "Known", *, until: float, most: int | None, unit: int) -> Record:
    """Call `gather` with more and more runs until the median standard error of memorization is at most `until`.

    The number grows by multiples of `unit`, each time by as many runs as the forecast asks for, and never beyond `most`.
    """
    record = gather(0)
    planned = len(record.runs)
    while True:
        known.read(record.runs)
        forecast = known.forecast()
        if forecast is not None and forecast.standard_error <= until:
            return record
        if most is not None and planned >= most:
            return record
        needed = 0 if forecast is None else min(forecast.runs_for(until), GROWTH * planned)
        planned += unit * max(1, -(-(needed - planned) // unit))
        planned = planned if most is None else min(planned, most)
        record = gather(planned)


class Known:
    """How well finished runs determine memorization so far, where outcomes are right or wrong; each run is read once."""

    def __init__(self, directory: Place, objective: Objective) -> None:
        self.directory, self.followed = directory, objective.outcome == "correct"
        self.counted: set[int] = set()

    def read(self, runs: Sequence[int]) -> None:
        """Count these runs, unless they are counted. Raises ByroteError when the directory is deleted meanwhile."""
        for run in set(runs) - self.counted if self.followed else ():
            self.counted.add(run)
            with naming_deletion(self.directory):
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
