"""How precisely memorization is known, and what more runs bring, Spearman and Brown, 1910, British Journal of Psychology 3."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import betaincinv, expit, logit

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import newcombe, normal_quantile, student

LEVEL = 0.9
GROUPS = 10
"""The jackknife of the reliability leaves out one of at most so many groups of runs at a time."""

QUANTILES = 5
"""The predictive distribution of a count is represented by so many quantiles."""

MAX_RUNS = 10**9
"""No forecast asks for more runs than this."""


class Range(NamedTuple):
    """A forecast in two ways: with the proportions observed for each example, or with their beta-binomial predictions."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The geometric mean of both."""
        return math.sqrt(self.low * self.high)


@dataclass(frozen=True, eq=False)
class Forecast:
    """How precisely `runs` runs estimate the memorization of each example, and what more runs would bring.

    `standard_error` is the median over examples of half the 90 % interval of `memorization` in normal quantiles, as
    `Values.stderr` has it; low is precise. `reliability` is the correlation to expect with as many new runs (1
    repeats exactly, 0 is noise): 1 - mean error variance / variance over examples. Its interval is Student's from
    leaving out groups of runs, on the scale of log signal over noise; NaN where it is undefined.
    """

    runs: int
    standard_error: float
    reliability: Estimate
    _cells: Float[ndarray, "cell 5"]

    def standard_error_at(self, runs: int) -> Range:
        """Return the median standard error to expect of so many runs of the same design, this one's included."""
        times = runs / self.runs
        ends = [_standard_error(cells) for cells in (_as_observed(self._cells, times), _predictive(self._cells, times))]
        return Range(min(ends), max(ends))

    def reliability_at(self, runs: int) -> Estimate:
        """Return the reliability to expect of so many runs of the same design (Spearman & Brown 1910)."""
        stepped_up = self.reliability.transformed(lambda each: _spearman_brown(each, runs / self.runs))
        return replace(stepped_up, n=runs, unit="run")

    def runs_for(self, standard_error: float) -> int:
        """Return how many runs in all bring the median standard error to this; at least those there are.

        Raises Unsupported for a target that is not above 0.
        """
        if not standard_error > 0:
            raise Unsupported(f"No number of runs has a standard error of {standard_error}. Give one above 0.")
        low, high = self.runs, 2 * self.runs
        if self.standard_error <= standard_error:
            return low
        while high < MAX_RUNS and self.standard_error_at(high).middle > standard_error:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.standard_error_at(middle).middle <= standard_error else (middle, high)
        return min(high, MAX_RUNS)

    def runs_for_reliability(self, reliability: float) -> int:
        """Return how many runs in all bring the reliability to this; at least those there are.

        Raises Unsupported for a target that is not between 0 and 1, and where the reliability of these runs is not above 0.
        """
        if not 0 < reliability < 1:
            raise Unsupported(f"No number of runs has a reliability of {reliability}. Give one between 0 and 1.")
        now = self.reliability.value
        if not now > 0:
            raise Unsupported(
                f"The reliability of {self.runs} runs is {now:.3f}, so that of more runs cannot be forecast. Collect more first."
            )
        if now >= reliability:
            return self.runs
        return min(math.ceil(self.runs * math.exp(logit(reliability) - logit(now)) - 1e-9), MAX_RUNS)


class Tally:
    """Counts of IN and OUT runs of each example, and of those that are right; runs are added one by one.

    Adding a run takes time proportional to the examples, and so does a forecast; memory does not grow with runs.
    """

    def __init__(self, examples: int) -> None:
        self.runs = 0
        self._counts = np.zeros((GROUPS, 4, examples), np.int32)

    @checked
    def add(self, correct: Bool[ndarray, " example"], member: Bool[ndarray, " example"]) -> None:
        """Count one run: about which examples it was right, and on which it was trained."""
        counts = self._counts[self.runs % GROUPS]
        for count, one in zip(counts, (correct & member, member, correct & ~member, ~member), strict=True):
            count += one
        self.runs += 1

    def forecast(self) -> Forecast | None:
        """Return the forecast from all runs so far; None while no example was both in a run and left out of one."""
        counts = self._counts.sum(axis=0).astype(np.float64)
        defined = (counts[1] > 0) & (counts[3] > 0)
        if not defined.any():
            return None
        # the fourth count follows from the other three, since each run is either IN or OUT
        key = (self.runs + 1) ** np.arange(3) @ counts[:3, defined].astype(np.int64)
        _, first, number = np.unique(key, return_index=True, return_counts=True)
        cells = np.concatenate([counts[:, defined][:, first], number[None]]).T
        leave_one_out = [counts - group for group in self._counts[: min(self.runs, GROUPS)]]
        return Forecast(self.runs, _standard_error(cells), _reliability(counts, leave_one_out), cells)


@checked
def forecast(correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Forecast | None:
    """Return how precisely these runs estimate memorization, and what more would bring; None where all is undefined."""
    tally = Tally(correct.shape[1])
    for each in zip(correct, member, strict=True):
        tally.add(*each)
    return tally.forecast()


def _standard_error(cells: Float[ndarray, "cell 5"]) -> float:
    """Return the median standard error over examples: the last column says how many have the counts of the row."""
    *counts, number = cells.T
    low, high = newcombe(*counts, level=LEVEL)
    error = (high - low) / (2 * normal_quantile(LEVEL))
    order = np.argsort(error)
    reached = np.cumsum(number[order])
    middle = [np.searchsorted(reached, reached[-1] / 2, side=side) for side in ("left", "right")]
    return float(np.mean(error[order[np.minimum(middle, len(order) - 1)]]))


def _as_observed(cells: Float[ndarray, "cell 5"], times: float) -> Float[ndarray, "cell 5"]:
    """Return the cells with every count so many times as large: all proportions stay as observed."""
    return cells * np.array([times, times, times, times, 1.0])


def _predictive(cells: Float[ndarray, "cell 5"], times: float) -> Float[ndarray, "outcome 5"]:
    """Return the predicted counts of so many times the runs: each cell becomes one for each pair of quantiles."""
    in_correct, in_runs, out_correct, out_runs, number = cells.T
    in_quantiles = _beta_binomial(in_correct, in_runs, number, times)
    out_quantiles = _beta_binomial(out_correct, out_runs, number, times)
    columns = np.broadcast_arrays(
        in_quantiles[:, :, None],
        times * in_runs[:, None, None],
        out_quantiles[:, None, :],
        times * out_runs[:, None, None],
        number[:, None, None] / QUANTILES**2,
    )
    return np.stack([column.ravel() for column in columns], axis=1)


def _beta_binomial(
    successes: Float[ndarray, " cell"], trials: Float[ndarray, " cell"], number: Float[ndarray, " cell"], times: float
) -> Float[ndarray, "cell quantile"]:
    """Return quantiles of the count in so many times the trials; the beta prior has the moments of all proportions."""
    share = successes / trials
    mean = np.average(share, weights=number)
    noise = np.average(share * (1 - share) / np.maximum(trials - 1, 1), weights=number)
    variance = max(float(np.average((share - mean) ** 2, weights=number) - noise), 1e-9)
    prior_strength = max(mean * (1 - mean) / variance - 1, 0.0)
    strength, future = trials + prior_strength, times * trials
    posterior_mean = (successes + prior_strength * mean) / strength
    # strength of the beta distribution that is as wide as the beta-binomial
    precision = (future * (strength + 1) / (future + strength) - 1)[:, None]
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    a, b = posterior_mean[:, None] * precision, (1 - posterior_mean)[:, None] * precision
    proper = (a > 0) & (b > 0)
    quantiles = betaincinv(np.where(proper, a, 1), np.where(proper, b, 1), at)
    return np.where(proper, quantiles, posterior_mean[:, None]) * future[:, None]


def _reliability(counts: Float[ndarray, "4 example"], leave_one_out: list[Float[ndarray, "4 example"]]) -> Estimate:
    """Return 1 - mean error variance / variance, with the jackknife over groups of runs on the logit scale."""
    value, n = _signal_share(counts)
    if len(leave_one_out) < 2 or not 0 < value < 1:
        return Estimate(value, math.nan, math.nan, n, "example", LEVEL)
    runs = counts[1, 0] + counts[3, 0]
    parts = [(_signal_share(part)[0], part[1, 0] + part[3, 0]) for part in leave_one_out]
    logits = np.array([logit(_spearman_brown(p, runs / kept)) if 0 < p < 1 else math.nan for p, kept in parts])
    groups = len(logits)  # the variance of their mean is (groups - 1)^2 / groups times the variance among them
    low, high = student(logit(value), (groups - 1) ** 2 * np.var(logits, ddof=1), groups, level=LEVEL)
    return Estimate(value, float(expit(low)), float(expit(high)), n, "example", LEVEL)


def _signal_share(counts: Float[ndarray, "4 example"]) -> tuple[float, int]:
    """Return the share of the variance of memorization that is not error, over examples with two IN and two OUT runs."""
    in_correct, in_runs, out_correct, out_runs = counts[:, (counts[1] > 1) & (counts[3] > 1)]
    if in_runs.size < 2:
        return math.nan, in_runs.size
    p_in, p_out = in_correct / in_runs, out_correct / out_runs
    variance = np.var(p_in - p_out, ddof=1)
    error = np.mean(p_in * (1 - p_in) / (in_runs - 1) + p_out * (1 - p_out) / (out_runs - 1))
    return (float(1 - error / variance) if variance > 0 else math.nan), in_runs.size


def _spearman_brown(reliability: float, times: float) -> float:
    """Return the reliability of so many times the runs."""
    return times * reliability / (1 + (times - 1) * reliability)
