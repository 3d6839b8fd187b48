"""Successive halving: a budget of runs, spent in rounds on fewer and fewer arms.

Jamieson & Talwalkar, 2016, arXiv:1502.07943. What is sought here is a front of two numbers, not the best of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.stats.intervals import t_quantile

FOLLOWED = 5
"""Arms, besides the unchanged one, that reach the last round at most."""

MARGIN = 0.01
"""A difference of accuracy (or of R²) that still counts as the same: one point."""

SIZES = ((3, 2, 6), (2, 2, 6), (2, 1, 5), (2, 0, 4))
"""Runs of each arm in the first, the second and the last round, at least: the first of these that the budget allows."""

ALONE = 3
"""Runs of each arm at least, where all are followed to the end."""


@dataclass(frozen=True)
class Round:
    """A round trains so many more `runs` of each of so many `arms`, the unchanged one among them."""

    arms: int
    runs: int


@dataclass(frozen=True)
class Plan:
    """The rounds of a comparison, stated before anything is trained."""

    rounds: tuple[Round, ...]

    @property
    def total(self) -> int:
        """How many runs are trained in all."""
        return sum(each.arms * each.runs for each in self.rounds)

    @property
    def ends(self) -> tuple[int, ...]:
        """How many runs an arm has after each round that it is in."""
        return tuple(np.cumsum([each.runs for each in self.rounds]).tolist())

    @property
    def judged_from(self) -> int:
        """The first run that was trained after the last choice of arms: no choice depends on it and on later ones."""
        last = next(at for at, each in enumerate(self.rounds) if each.arms == self.rounds[-1].arms)
        return ([0, *self.ends])[last]

    def extended(self, budget: int) -> "Plan":
        """Return the plan with what is left of a larger budget for the arms of its last round."""
        more = (budget - self.total) // self.rounds[-1].arms
        return Plan((*self.rounds, Round(self.rounds[-1].arms, more))) if more > 0 else self


def smallest_budget(arms: int) -> int:
    """Return how many runs so many arms (without the unchanged one) need at least."""
    first, middle, last = SIZES[-1]
    return ALONE * (arms + 1) if arms <= FOLLOWED else (first + middle) * (arms + 1) + last * (FOLLOWED + 1)


def make_plan(arms: int, families: int, budget: int) -> Plan:
    """Return the rounds for so many arms (without the unchanged one) of so many controls; they take at most `budget` runs.

    Where no more than FOLLOWED arms are compared, there is one round of all. Else there are three, each with about a third of
    the budget: all arms; the better half, and at least one of each control; the FOLLOWED best. Raises InvalidData for a budget
    that is too small.
    """
    least = smallest_budget(arms)
    if budget < least:
        raise InvalidData(
            f"{budget} runs are too few to compare {arms} changes with the unchanged task. Give {least} or more, or fewer controls."
        )
    if arms <= FOLLOWED:
        return Plan((Round(arms + 1, budget // (arms + 1)),))
    everyone, some, few = arms + 1, min(arms, max(families, -(-arms // 2), FOLLOWED)) + 1, FOLLOWED + 1
    first, middle, last = next(size for size in SIZES if size[0] * everyone + size[1] * some + size[2] * few <= budget)
    third = budget // 3
    larger = max(first, third // everyone), max(middle, third // some if middle else 0)
    if budget - larger[0] * everyone - larger[1] * some >= last * few:
        first, middle = larger
    last = (budget - first * everyone - middle * some) // few
    rounds = (Round(everyone, first), Round(some, middle), Round(few, last))
    return Plan(tuple(each for each in rounds if each.runs))


Look = Callable[[Sequence[int], int], Float[ndarray, "2 arm run"]]
"""Trains these arms up to so many runs each, and returns memorization and accuracy of each run; NaN for an arm that failed."""


def spend(plan: Plan, families: Sequence[str], look: Look) -> list[int]:
    """Carry out a plan and return which arms are in its last round, in their order. Arm 0, the unchanged one, is in all."""
    there = list(range(len(families)))
    for at, end in enumerate(plan.ends):
        if at and plan.rounds[at].arms < plan.rounds[at - 1].arms:
            seen = look(there, plan.ends[at - 1])
            kept = nearest(seen, [families[arm] for arm in there], plan.rounds[at].arms, each_family=at == 1)
            there = [there[position] for position in kept]
        look(there, end)
    return there


def nearest(
    seen: Float[ndarray, "2 arm run"], families: Sequence[str], keep: int, *, each_family: bool = False
) -> list[int]:
    """Return the positions of the arms to go on with, in their order: the first arm, and those nearest to the front.

    An arm is behind the front by as many standard deviations of one run as another arm is better in both memorization and
    accuracy (the least of the two; below 0: it is on the front, and by how much). Arms whose accuracy is beyond chance more
    than MARGIN lower than that of the first come last. With `each_family`, the best arm of each family comes before all
    second ones. Arms with a NaN have failed and are left out.
    """
    memorization, accuracy = seen.mean(axis=2)
    fine = np.isfinite(memorization) & np.isfinite(accuracy)
    scale = [residual_deviation(values[fine]) for values in seen]
    order: list[tuple[bool, bool, float, int]] = []
    best: set[str] = set()
    worse = _costly(seen[1], scale[1])
    behind = {at: _behind(at, memorization, accuracy, scale, fine) for at in np.flatnonzero(fine).tolist()}
    for at in sorted(behind, key=lambda each: (worse[each], behind[each], each)):
        if at:
            second = each_family and families[at] in best
            best.add(families[at])
            order.append((second, bool(worse[at]), behind[at], at))
    return sorted([0, *(at for *_, at in sorted(order)[: keep - 1])])


def residual_deviation(values: Float[ndarray, "arm run"]) -> float:
    """Return the standard deviation of one run of one arm, after the means of arms and of runs (a two-way layout)."""
    arms, runs = values.shape
    if arms < 2 or runs < 2:
        return 1.0
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean()
    found = float(np.sqrt((rest**2).sum() / ((arms - 1) * (runs - 1))))
    return found or 1e-12


def _costly(accuracy: Float[ndarray, "arm run"], scale: float) -> NDArray[np.bool_]:
    """Return which arms are less accurate than the first by more than MARGIN, beyond a 90 % interval."""
    arms, runs = accuracy.shape
    freedom = max(1, (arms - 1) * (runs - 1))
    half = float(t_quantile(0.9, freedom)) * scale * np.sqrt(2 / runs)
    with np.errstate(invalid="ignore"):
        return (accuracy - accuracy[:1]).mean(axis=1) + half < -MARGIN


def _behind(
    at: int,
    memorization: Float[ndarray, " arm"],
    accuracy: Float[ndarray, " arm"],
    scale: Sequence[float],
    fine: NDArray[np.bool_],
) -> float:
    others = fine & (np.arange(len(fine)) != at)
    less = (memorization[at] - memorization[others]) / scale[0]
    more = (accuracy[others] - accuracy[at]) / scale[1]
    return float(np.minimum(less, more).max(initial=-np.inf))
