"""Permutation test of a summary under shuffled membership, Fisher, 1935; exact by Besag & Clifford, 1989, Biometrika 76."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported

ROUNDS = 12
"""Times that every run trades members with another run, from one shuffle to the next."""


@dataclass(frozen=True)
class Null:
    """A statistic as observed, under shuffled membership, and the probability of one so large (`p_value`)."""

    observed: float
    shuffled: Float[ndarray, " shuffle"]
    p_value: float


@checked
def null(
    statistic: Callable[[Bool[ndarray, "run example"]], float],
    member: Bool[ndarray, "run example"],
    *,
    keep_examples: bool = False,
    shuffles: int = 99,
    seed: int = 0,
) -> Null:
    """Distribution of a statistic under shuffled membership, and its p-value: a small one is evidence for a leak.

    `statistic` takes a membership and returns the number that is high where there is a leak, for instance
    `lambda m: auroc(values, m[0]).value` with `member` of one run. Membership is shuffled among the examples of
    each run, so runs keep their sizes. With `keep_examples` each example also keeps its number of runs, as
    in a balanced design: runs trade members pairwise (Strona et al. 2014), and all shuffles start from one
    that was itself reached from the observed one. That makes the p-value exact, however well they mix. It is
    (1 + shuffles at least as large) / (1 + shuffles). Raises Unsupported without shuffles, for `keep_examples`
    with one run, and where no membership can change or the statistic is NaN.

    It misleads when the statistic uses values that were computed from the true membership of the other runs,
    as LiRA's are: compute them again from the membership that it is given.
    """
    if shuffles < 1:
        raise Unsupported(f"{shuffles} shuffles give no p-value. Give 1 or more; 99 is usual.")
    _check_movable(member, keep_examples)
    rng = np.random.default_rng([seed, 4])
    hub = _traded(member, rng) if keep_examples else member
    drawn = [_traded(hub, rng) if keep_examples else rng.permuted(member, axis=1) for _ in range(shuffles)]
    observed, shuffled = float(statistic(member)), np.array([statistic(each) for each in drawn], np.float64)
    undefined = int(np.isnan(shuffled).sum() + np.isnan(observed))
    if undefined:
        raise Unsupported(
            f"The statistic is NaN for {undefined} of {shuffles + 1} memberships. "
            "Leave out the examples on which it is undefined."
        )
    as_large = np.count_nonzero(shuffled >= observed - 1e-12 * abs(observed))
    return Null(observed, shuffled, (1 + as_large) / (1 + shuffles))


def _check_movable(member: Bool[ndarray, "run example"], keep_examples: bool) -> None:
    axis = 0 if keep_examples else 1
    if not (member.any(axis=axis) & ~member.all(axis=axis)).any() or (keep_examples and len(member) < 2):
        raise Unsupported(
            f"Membership of {member.shape[1]} examples in {len(member)} runs cannot be shuffled"
            f"{' with the number of runs of each example kept' if keep_examples else ''}. "
            "Give runs that have both members and non-members" + (", and two or more." if keep_examples else ".")
        )


def _traded(member: Bool[ndarray, "run example"], rng: np.random.Generator) -> Bool[ndarray, "run example"]:
    """Return another membership with the same sizes of runs and the same number of runs for each example."""
    traded = member.copy()
    for _ in range(ROUNDS):
        order = rng.permutation(len(traded))
        for a, b in zip(order[::2], order[1::2], strict=False):
            differ = np.flatnonzero(traded[a] != traded[b])
            in_a = rng.permutation(traded[a, differ])
            traded[a, differ], traded[b, differ] = in_a, ~in_a
    return traded
