"""Certainty: how well the finished runs determine memorization, in the numbers of the verdict, while more are trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from byrote.evidence.columns import in_run
from byrote.evidence.evaluate import LEVEL, Values
from byrote.record import Record
from byrote.scores.shrunk_memorization import estimate_with_held_out, shrunk_memorization
from byrote.stats.estimate import Estimate
from byrote.summaries.expected_top import expected_top
from byrote.summaries.forecast import Forecast, Tally
from byrote.summaries.held_out_reliability import held_out_reliability
from byrote.task.designs import LEAST_RUNS


@dataclass(frozen=True, eq=False)
class Certainty:
    """How well `runs` runs determine the memorization of the real training examples.

    `reliability` is that of `shrunk_memorization`, the number of the verdict (`held_out_reliability`); NaN below LEAST_RUNS.
    `forecast` is about the textbook estimator: its `standard_error` is the median that the verdict names (None: no example
    was both in a run and left out of one). `values` is the estimate of every example of the record from these runs (None: below
    LEAST_RUNS), and `real` says which examples are the user's own training examples.
    """

    runs: int
    reliability: Estimate
    forecast: Forecast | None
    values: Values | None = None
    real: Bool[ndarray, " example"] | None = None

    @property
    def error(self) -> float:
        """The median standard error of `memorization`; NaN where it is undefined."""
        return np.nan if self.forecast is None else self.forecast.standard_error

    def top(self, k: int) -> Estimate:
        """Return the share of the k most memorized by the estimate that is expected among the k most memorized in truth.

        Undefined where fewer than k examples have a value.
        """
        if self.values is None or self.real is None:
            return Estimate.undefined("example", n=k)
        known = self.real & np.isfinite(self.values.value)
        if np.count_nonzero(known) < k:
            return Estimate.undefined("example", n=k)
        return expected_top(self.values.value[known], self.values.low[known], self.values.high[known], k=k)


class Following:
    """Follows a record whose runs are right or wrong about examples while more are added. Each run is read once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._columns: dict[int, list[NDArray[Any]]] = {}

    def certainty(self, runs: Sequence[int]) -> Certainty:
        """Return how well these runs and those before determine memorization; of 6,000 examples and 8 runs in .5 s of a core.

        Raises ByroteError where a run cannot be read.
        """
        for run in sorted(set(runs) - set(self._columns)):
            needs, read = shrunk_memorization.needs, self.record.at_step
            self._columns[run] = [in_run(need, self.record, run, shrunk_memorization, read) for need in needs]
            self._tally.add(self._outcomes(run)[self._real], self.record.member(run)[self._real])
        return self._measured()

    def _measured(self) -> Certainty:
        order = sorted(self._columns)
        if len(order) < LEAST_RUNS:
            return Certainty(len(order), Estimate.undefined("example"), self._tally.forecast())
        columns = [
            np.stack([self._columns[run][at] for run in order]) if "run" in need.axes else self._columns[order[-1]][at]
            for at, need in enumerate(shrunk_memorization.needs)
        ]
        estimates, held_out = estimate_with_held_out(*columns, level=LEVEL)
        seen = held_out.where(self._real)
        reliability = held_out_reliability(
            estimates[0][self._real],
            seen.mean,
            seen.runs,
            seen.spread,
            seen.others,
            seen.estimate_squared,
            seen.times_truth,
            seen.truth_squared,
            self.record.population.groups[self._real],
            level=LEVEL,
        )
        runs_in = np.sum([self.record.member(run) for run in order], axis=0)
        ids = self.record.population.ids
        values = Values(shrunk_memorization, ids, *estimates, runs_in, len(order) - runs_in, LEVEL)
        return Certainty(len(order), reliability, self._tally.forecast(), values, self._real)

    def _outcomes(self, run: int) -> Bool[ndarray, " example"]:
        at = [need.column for need in shrunk_memorization.needs].index("correct")
        return np.asarray(self._columns[run][at], np.bool_)

    @cached_property
    def _real(self) -> Bool[ndarray, " example"]:
        """Who counts: the user's own training examples."""
        return self.record.population.where("train")

    @cached_property
    def _tally(self) -> Tally:
        return Tally(int(self._real.sum()))
