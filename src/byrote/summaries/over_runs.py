"""Membership summaries of several runs, each of them a target: the run is the unit, Student, 1908, Biometrika 6."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_ranking
from byrote.summaries.tpr_at_fpr import OperatingPoint


@checked
def over_runs(
    summary: Callable[[Float[ndarray, " example"], Bool[ndarray, " example"]], float],
    values: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    level: float = 0.9,
) -> Estimate:
    """Mean of a summary over runs, each run a target: in the direction and unit of the summary.

    `summary` takes one run's values and members, as in `lambda v, m: auroc(v, m).value`. Student's interval over
    the runs, n of them: the examples of one run share a model and are no independent draws. No interval from
    one run. What the summary refuses for one run is refused; NaN for a run leaves it out.

    It misleads when the runs are each other's shadow models: they share examples and scores, and the interval
    is then somewhat too narrow.
    """
    each = [summary(run, trained) for run, trained in zip(values, member, strict=True)]
    return Estimate.of_mean(each, "run", level=level)


@checked
def pooled_tpr_at_fpr(
    values: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    fpr: float,
    level: float = 0.9,
) -> OperatingPoint:
    """True-positive rate at one threshold for all runs, with a false-positive rate of at most `fpr`: `fpr` is chance.

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
    run_of = np.nonzero(~member)[0]
    others = values[~member]
    order = np.argsort(-others, kind="stable")
    others, run_of = others[order], run_of[order]
    members = np.sort(values[member])

    def rates(left_out: int) -> tuple[float, float, float]:
        """Return both rates and the threshold without this run; the number `runs` leaves out none."""
        kept = np.flatnonzero(run_of != left_out)
        own = values[left_out][member[left_out]] if left_out < runs else members[:0]
        if len(own) == len(members):
            raise Unsupported("pooled_tpr_at_fpr found the members of one run only. Give two runs with members.")
        threshold = float(others[kept[_false_positives(fpr, len(kept))]])
        above = len(members) - np.searchsorted(members, threshold, side="right") - np.count_nonzero(own > threshold)
        others_above = np.searchsorted(-others[kept], -threshold, side="left")
        return float(above / (len(members) - len(own))), float(others_above / len(kept)), threshold

    *both, threshold = rates(runs)
    chance = (_false_positives(fpr, len(others)) + 1) / (len(others) + 1)
    leave_one_out = np.array([rates(run)[:2] for run in range(runs)])
    tpr, realised = (
        Estimate.of_parts(rate, part, "run", level=level).within(0.0, 1.0)
        for rate, part in zip(both, leave_one_out.T, strict=True)
    )
    return OperatingPoint(tpr, fpr, realised, threshold, chance)


def _false_positives(fpr: float, others: int) -> int:
    """Return how many non-members may lie above the threshold; raise Unsupported where that is none."""
    most = math.floor(fpr * others + 1e-9)
    if not 0 < fpr < 1:
        raise Unsupported(f"The false-positive rate is {fpr:g}. Give one between 0 and 1.")
    if most < 1:
        raise Unsupported(
            f"A false-positive rate of {fpr:g} cannot be measured on {others:,} non-members (of all runs, or of all but one): "
            "it is less than one of them. More runs have more of them."
        )
    return most
