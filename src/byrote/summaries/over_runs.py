"""Membership summaries of several runs, each of them a target: the run is the unit, Student, 1908, Biometrika 6."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import left_out, student
from byrote.summaries._ranking import check_ranking
from byrote.summaries.tpr_at_fpr import OperatingPoint


def over_runs(
    summary: Callable[[Float[ndarray, " example"], Bool[ndarray, " example"]], float],
    values: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    level: float = 0.9,
) -> Estimate:
    """Mean of a summary over runs, each run a target: the direction and the range are the summary's.

    `summary` takes one run's values and members, as in `lambda v, m: auroc(v, m).value`. Student's interval over
    the runs, n of them: the examples of one run share a model and are no independent draws. No interval from
    one run. What the summary refuses for one run is refused; NaN for a run leaves it out.

    It misleads when the runs are each other's shadow models: they share examples and scores, and the interval
    is then somewhat too narrow.
    """
    each = np.array([summary(run, inside) for run, inside in zip(values, member, strict=True)], np.float64)
    each = each[~np.isnan(each)]
    n, value = len(each), float(each.mean()) if len(each) else math.nan
    low, high = student(value, each.var(ddof=1) if n > 1 else np.nan, n, level=level)
    return Estimate(value, float(low), float(high), n, "run", level)


def pooled_tpr_at_fpr(
    values: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    fpr: float,
    level: float = 0.9,
) -> OperatingPoint:
    """Share of members found at one threshold for all runs, at most `fpr` of all non-members accused: `fpr` is chance.

    The threshold is the value of a non-member, of whichever run; strictly above it says member. Both rates are
    over all pairs of run and example, so this reaches rates that no single run has the non-members for. The
    interval is the jackknife's over runs with Student's quantile, and the threshold is found anew without
    each run; n counts the runs. Raises Unsupported for a NaN, below two runs, without members or
    non-members in all but one, and when fpr x non-members is below 1.

    It misleads when runs differ in how large their values are: a threshold for all suits none. Compare with
    the mean over runs of `tpr_at_fpr`.
    """
    runs = len(values)
    if runs < 2:
        raise Unsupported(f"pooled_tpr_at_fpr was given {runs} runs. Give two or more, or use tpr_at_fpr.")
    check_ranking("pooled_tpr_at_fpr", values.ravel(), member.ravel())
    in_run = np.nonzero(~member)[0]
    outside = values[~member]
    order = np.argsort(-outside, kind="stable")
    outside, in_run = outside[order], in_run[order]
    inside = np.sort(values[member])

    def at(spared: int) -> tuple[float, float, float]:
        others = np.flatnonzero(in_run != spared)
        own = values[spared][member[spared]] if spared < runs else inside[:0]
        if len(own) == len(inside):
            raise Unsupported("pooled_tpr_at_fpr found the members of one run only. Give two runs with members.")
        threshold = float(outside[others[_accused(fpr, len(others))]])
        found = len(inside) - np.searchsorted(inside, threshold, side="right") - np.count_nonzero(own > threshold)
        above = np.searchsorted(-outside[others], -threshold, side="left")
        return float(found / (len(inside) - len(own))), float(above / len(others)), threshold

    tpr, realised, threshold = at(runs)
    without = np.array([at(r)[:2] for r in range(runs)])
    found, accused = (
        Estimate(value, *_jackknife(value, part, level), runs, "run", level)
        for value, part in zip((tpr, realised), without.T, strict=True)
    )
    return OperatingPoint(found, fpr, accused, threshold)


def _accused(fpr: float, others: int) -> int:
    """Return how many non-members are accused at most; raise Unsupported where that is none."""
    accused = math.floor(fpr * others + 1e-9)
    if not 0 < fpr < 1 or accused < 1:
        raise Unsupported(
            f"A false-positive rate of {fpr} was asked for, and there are {others} non-members in all runs, or all but one. "
            "Give a rate between 0 and 1 that is at least 1 over their number."
        )
    return accused


def _jackknife(value: float, without: Float[ndarray, " run"], level: float) -> tuple[float, float]:
    low, high = left_out(value, without, level=level)
    return max(low, 0.0), min(high, 1.0)
