"""Memorization of whole groups, after Feldman & Zhang, 2020, arXiv:2008.03703: what copies hide from leaving out one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import MissingEvidence
from byrote.stats.intervals import newcombe


@dataclass(frozen=True, eq=False)
class Groups:
    """Memorization of each group, with its interval and its number of examples.

    `runs_in` and `runs_out` count the runs that were trained on all of the group, and on none of it.
    """

    names: Shaped[ndarray, " group"]
    value: Float[ndarray, " group"]
    low: Float[ndarray, " group"]
    high: Float[ndarray, " group"]
    size: Int[ndarray, " group"]
    runs_in: Int[ndarray, " group"]
    runs_out: Int[ndarray, " group"]
    level: float


@checked(text=("groups",))
def group_memorization(
    correct: Bool[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    groups: Shaped[ndarray, " example"],
    *,
    level: float = 0.9,
) -> Groups:
    """Accuracy on a group if trained on all of it minus if on none: 0 is learned from other groups, 1 is known by rote.

    mean over the runs with the whole group of the share of its examples that are right, minus the same over the runs
    without any of it, in [-1, 1]. Runs that split a group are not used for it. `groups` has a name per example; an
    empty one is no group. NaN where no run has the whole group, or none is without it; a value below 0 is not clipped.
    A group of one is `memorization`.

    The interval is Newcombe's (1998, method 10) with a run as one trial, since the examples of a run are not
    independent; shares vary less than right and wrong do, so it is too wide rather than too narrow. Raises
    MissingEvidence when there is no group, or when every run splits every group that it is not trained on.

    It misleads when groups differ in size: leaving out a large one also leaves less to learn from.
    """
    named = np.flatnonzero(groups != "")
    names, codes = np.unique(groups[named], return_inverse=True)
    if not len(names):
        raise MissingEvidence("group_memorization needs groups, and no example has one. Give the examples `groups`.")
    order = named[np.argsort(codes, kind="stable")]
    size = np.bincount(codes)
    starts = np.cumsum(size) - size
    members = np.add.reduceat(member[:, order], starts, axis=1, dtype=np.int64)
    share = np.add.reduceat(correct[:, order], starts, axis=1, dtype=np.int64) / size
    whole, absent = members == size, members == 0
    runs_in, runs_out = np.count_nonzero(whole, axis=0), np.count_nonzero(absent, axis=0)
    if not runs_out.any():
        raise MissingEvidence(
            f"None of the {len(names)} groups is left out whole in any of {len(member)} runs. "
            "Collect with the design leave_group_out."
        )
    in_sum, out_sum = np.sum(share, axis=0, where=whole), np.sum(share, axis=0, where=absent)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = in_sum / runs_in - out_sum / runs_out
    low, high = newcombe(in_sum, runs_in, out_sum, runs_out, level=level)
    return Groups(names, value, low, high, size, runs_in, runs_out, level)
