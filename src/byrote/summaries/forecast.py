"""How well memorization is known, and what more runs bring, Spearman and Brown, 1910, British Journal of Psychology 3."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import betaincinv, expit, logit

from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import newcombe, normal_quantile, student

LEVEL = 0.9
GROUPS = 10
"""Runs are left out in at most so many groups, to see how far the reliability hangs on them."""

QUANTILES = 5
"""The counts to come of a kind of example are represented by so many quantiles of each."""

MOST = 10**9
"""The most runs that are ever said to be needed."""


class Range(NamedTuple):
    """A forecast by two readings of the runs: each example goes on as it was seen, or as examples like it may."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The geometric mean of both."""
        return math.sqrt(self.low * self.high)


@dataclass(frozen=True, eq=False)
class Forecast:
    """How well `runs` runs know the memorization of each example, and what more runs would bring.

    `standard_error` is the median over examples of half the 90 % interval of `memorization` in normal quantiles, as
    `Values.stderr` has it; low is well known. `reliability` is the correlation to expect with as many new runs (1
    repeats exactly, 0 is noise): 1 - mean error variance / variance over examples. Its interval is Student's from
    leaving out groups of runs, on the scale of log signal over noise; NaN where it cannot be told.
    """

    runs: int
    standard_error: float
    reliability: Estimate
    _cells: Float[ndarray, "cell 5"]

    def standard_error_at(self, runs: int) -> Range:
        """Return the median standard error to expect of so many runs of the same design, this one's included."""
        times = runs / self.runs
        ends = [_standard_error(cells) for cells in (_more(self._cells, times), _spread_out(self._cells, times))]
        return Range(min(ends), max(ends))

    def reliability_at(self, runs: int) -> Estimate:
        """Return the reliability to expect of so many runs of the same design (Spearman & Brown 1910)."""
        of = self.reliability
        ends = (_step(each, runs / self.runs) for each in (of.value, of.low, of.high))
        return Estimate(*ends, n=runs, unit="run", level=of.level)

    def runs_for(self, standard_error: float) -> int:
        """Return how many runs in all bring the median standard error to this; at least those there are.

        Raises Unsupported for a target that is not above 0.
        """
        if not standard_error > 0:
            raise Unsupported(
                f"A standard error of {standard_error} was asked for, and no number of runs has it. Give one above 0."
            )
        low, high = self.runs, 2 * self.runs
        if self.standard_error <= standard_error:
            return low
        while high < MOST and self.standard_error_at(high).middle > standard_error:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.standard_error_at(middle).middle <= standard_error else (middle, high)
        return min(high, MOST)

    def runs_for_reliability(self, reliability: float) -> int:
        """Return how many runs in all bring the reliability to this; at least those there are.

        Raises Unsupported for a target that is not between 0 and 1, and where these runs show no reliability at all.
        """
        if not 0 < reliability < 1:
            raise Unsupported(
                f"A reliability of {reliability} was asked for, and no number of runs has it. Give one between 0 and 1."
            )
        now = self.reliability.value
        if not now > 0:
            raise Unsupported(
                f"The reliability of {self.runs} runs is {now:.3f}, which says nothing of more runs. Collect more first."
            )
        if now >= reliability:
            return self.runs
        return min(math.ceil(self.runs * math.exp(logit(reliability) - logit(now)) - 1e-9), MOST)


class Tally:
    """Counts of right and wrong with and without each example, to which runs are added one by one.

    Adding a run takes time proportional to the examples, and so does a forecast; memory does not grow with runs.
    """

    def __init__(self, examples: int) -> None:
        self.runs = 0
        self._counts = np.zeros((GROUPS, 4, examples), np.int32)

    def add(self, correct: Bool[ndarray, " example"], member: Bool[ndarray, " example"]) -> None:
        """Count one run: who was right, and who was trained on."""
        counts = self._counts[self.runs % GROUPS]
        for kept, more in zip(counts, (correct & member, member, correct & ~member, ~member), strict=True):
            kept += more
        self.runs += 1

    def forecast(self) -> Forecast | None:
        """Return how well memorization is known by now; None while no example was both in a run and left out of one."""
        counts = self._counts.sum(axis=0).astype(np.float64)
        defined = (counts[1] > 0) & (counts[3] > 0)
        if not defined.any():
            return None
        key = (self.runs + 1) ** np.arange(3) @ counts[:3, defined].astype(
            np.int64
        )  # all runs in or out: three tell all
        _, first, number = np.unique(key, return_index=True, return_counts=True)
        cells = np.concatenate([counts[:, defined][:, first], number[None]]).T
        without = [counts - group for group in self._counts[: min(self.runs, GROUPS)]]
        return Forecast(self.runs, _standard_error(cells), _reliability(counts, without), cells)


def forecast(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Forecast | None:
    """Return how well these runs know memorization, and what more would bring; None where it is undefined for all."""
    tally = Tally(correct.shape[1])
    for right, inside in zip(correct, member, strict=True):
        tally.add(right, inside)
    return tally.forecast()


def _standard_error(cells: Float[ndarray, "cell 5"]) -> float:
    """Return the median standard error of examples, so many (the last column) of which have these counts."""
    *counts, number = cells.T
    low, high = newcombe(*counts, level=LEVEL)
    error = (high - low) / (2 * normal_quantile(LEVEL))
    order = np.argsort(error)
    reached = np.cumsum(number[order])
    middle = [np.searchsorted(reached, reached[-1] / 2, side=side) for side in ("left", "right")]
    return float(np.mean(error[order[np.minimum(middle, len(order) - 1)]]))


def _more(cells: Float[ndarray, "cell 5"], times: float) -> Float[ndarray, "cell 5"]:
    """Return the cells with every count so many times as large."""
    return cells * np.array([times, times, times, times, 1.0])


def _spread_out(cells: Float[ndarray, "cell 5"], times: float) -> Float[ndarray, "outcome 5"]:
    """Return what so many times the runs may count: each cell becomes one for each pair of quantiles of both counts."""
    right_in, inside, right_out, outside, number = cells.T
    first, second = _predicted(right_in, inside, number, times), _predicted(right_out, outside, number, times)
    columns = np.broadcast_arrays(
        first[:, :, None],
        times * inside[:, None, None],
        second[:, None, :],
        times * outside[:, None, None],
        number[:, None, None] / QUANTILES**2,
    )
    return np.stack([column.ravel() for column in columns], axis=1)


def _predicted(right: ndarray, runs: ndarray, number: ndarray, times: float) -> Float[ndarray, "cell quantile"]:
    """Return quantiles of the count to come, by a beta prior with the mean and variance of all examples' proportions."""
    share = right / runs
    mean = np.average(share, weights=number)
    noise = np.average(share * (1 - share) / np.maximum(runs - 1, 1), weights=number)
    spread = max(float(np.average((share - mean) ** 2, weights=number) - noise), 1e-9)
    prior = max(mean * (1 - mean) / spread - 1, 0.0)
    believed, size, coming = (right + prior * mean) / (runs + prior), runs + prior, times * runs
    precision = (coming * (size + 1) / (coming + size) - 1)[
        :, None
    ]  # of the beta distribution as wide as the beta-binomial
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    a, b = believed[:, None] * precision, (1 - believed)[:, None] * precision
    inner = (a > 0) & (b > 0)
    quantiles = betaincinv(np.where(inner, a, 1), np.where(inner, b, 1), at)
    return np.where(inner, quantiles, believed[:, None]) * coming[:, None]


def _reliability(counts: ndarray, without: list[ndarray]) -> Estimate:
    """Return 1 - mean error variance / variance, with the jackknife over groups of runs on the logit scale."""
    value, n = _signal_share(counts)
    if len(without) < 2 or not 0 < value < 1:
        return Estimate(value, math.nan, math.nan, n, "example", LEVEL)
    runs = counts[1, 0] + counts[3, 0]
    parts = [(_signal_share(part)[0], part[1, 0] + part[3, 0]) for part in without]
    stepped = np.array([logit(_step(part, runs / kept)) if 0 < part < 1 else math.nan for part, kept in parts])
    groups = len(stepped)  # the variance of their mean is (groups - 1)^2 / groups times the variance among them
    low, high = student(logit(value), (groups - 1) ** 2 * np.var(stepped, ddof=1), groups, level=LEVEL)
    return Estimate(value, float(expit(low)), float(expit(high)), n, "example", LEVEL)


def _signal_share(counts: ndarray) -> tuple[float, int]:
    """Return the share of the variance of memorization that is not error, over examples twice in and twice out."""
    right_in, inside, right_out, outside = counts[:, (counts[1] > 1) & (counts[3] > 1)]
    if inside.size < 2:
        return math.nan, inside.size
    p, q = right_in / inside, right_out / outside
    variance = np.var(p - q, ddof=1)
    error = np.mean(p * (1 - p) / (inside - 1) + q * (1 - q) / (outside - 1))
    return (float(1 - error / variance) if variance > 0 else math.nan), inside.size


def _step(reliability: float, times: float) -> float:
    """Return the reliability of so many times the runs."""
    return times * reliability / (1 + (times - 1) * reliability)
