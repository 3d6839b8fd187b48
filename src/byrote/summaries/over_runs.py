"""Membership summaries of several runs, each of them a target: the run is the unit, Student, 1908, Biometrika 6."""

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

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
    return Pooled.of(values, member).at(fpr, level=level)


@dataclass(frozen=True, eq=False)
class Pooled:
    """The values of all runs, sorted once for any number of rates: see `pooled_tpr_at_fpr`.

    `members` and `others` (highest first, negated) are those of all runs, `own` and `own_others` those of each run.
    """

    members: Float[ndarray, " member"]
    others: Float[ndarray, " other"]
    own: tuple[NDArray[np.float64], ...]
    own_others: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, values: Float[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> "Pooled":
        """Return the sorted values. Raises Unsupported for a NaN, below two runs, and without members or non-members."""
        if len(values) < 2:
            raise Unsupported(f"pooled_tpr_at_fpr was given {len(values)} runs. Give two or more, or use tpr_at_fpr.")
        check_ranking("pooled_tpr_at_fpr", values.ravel(), member.ravel())
        own = tuple(np.sort(run[trained]) for run, trained in zip(values, member, strict=True))
        own_others = tuple(np.sort(-run[~trained]) for run, trained in zip(values, member, strict=True))
        members, others = (
            np.sort(np.concatenate(each), kind="stable") for each in (own, own_others)
        )  # merges what is sorted
        return cls(members, others, own, own_others)

    def at(self, fpr: float, *, level: float = 0.9) -> OperatingPoint:
        """Return the point at this rate; raise Unsupported where it has no threshold, or one run has all members."""
        *both, threshold = self._rates(fpr, self.members[:0], self.others[:0])
        leave_one_out = np.array([self._rates(fpr, *each)[:2] for each in zip(self.own, self.own_others, strict=True)])
        tpr, realised = (
            Estimate.of_parts(rate, part, "run", level=level).within(0.0, 1.0)
            for rate, part in zip(both, leave_one_out.T, strict=True)
        )
        chance = (_false_positives(fpr, len(self.others)) + 1) / (len(self.others) + 1)
        return OperatingPoint(tpr, fpr, realised, threshold, chance)

    def _rates(
        self, fpr: float, own: Float[ndarray, " own"], own_others: Float[ndarray, " own_other"]
    ) -> tuple[float, float, float]:
        """Return both rates and the threshold without the run that has these members and these others."""
        kept, members = len(self.others) - len(own_others), len(self.members) - len(own)
        if not members:
            raise Unsupported("pooled_tpr_at_fpr found the members of one run only. Give two runs with members.")
        rank = _false_positives(fpr, kept)
        threshold = float(-self.others[rank + self._left_out_before(rank, own_others)])
        above = _above(self.members, threshold) - _above(own, threshold)
        return float(above / members), float(self._before(-threshold, own_others) / kept), threshold

    def _before(self, other: float, own_others: Float[ndarray, " own_other"]) -> int:
        """Return how many others, without these of one run, stand before this one."""
        return int(np.searchsorted(self.others, other) - np.searchsorted(own_others, other))

    def _left_out_before(self, rank: int, own_others: Float[ndarray, " own_other"]) -> int:
        """Return how many of the others of one run stand before, or beside, the one at this rank among those of other runs."""
        return bisect_right(own_others, rank, key=lambda other: self._before(other, own_others))


def _above(ascending: Float[ndarray, " value"], threshold: float) -> int:
    return int(len(ascending) - np.searchsorted(ascending, threshold, side="right"))


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
