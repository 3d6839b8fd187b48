"""Arms: the cells of the experiment on a model's memorization, each a task that is trained into a record of its own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.controls import Control
from byrote.errors import InvalidData
from byrote.experiments.factorial import Budget, spend
from byrote.experiments.factors import NOISE, Factor, factors_of, resized, weights_of
from byrote.experiments.removal import subdirectory
from byrote.experiments.timing import durations
from byrote.experiments.twins import Twins
from byrote.record import finished_runs
from byrote.record.storage import place
from byrote.task.canaries import Canaries
from byrote.task.designs import Together
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.progress import Progress, Watcher
from byrote.training.workers import cores

AS_IS = "as_is"

POINTS = 15
"""Epochs at which the model as it is is evaluated, about: the points of the curve over time."""

MOST_CANARIES = 100
USUAL_CANARIES = 30


@dataclass(frozen=True, eq=False)
class Arm:
    """One cell: the task with some changes. `cost` is about how long a run takes, in runs of the task as it is."""

    name: str
    task: Task
    cost: float


@dataclass(frozen=True, eq=False)
class CausesPlan:
    """What will be trained to find out why a model memorizes: known before anything is trained.

    `rows[cell]` is the position in `arms` of each cell of the design, `by_size` and `by_width` those of the sweeps. `left_out`
    says what is not examined, and why. `counted` are the ids of the training examples that the gap is measured on: where variety
    is examined, all but those that copies take the place of. `untouched` are those of them whose label stays too.
    """

    task: Task
    factors: tuple[Factor, ...]
    budget: Budget
    canaries: Canaries
    seed: int
    arms: tuple[Arm, ...]
    rows: tuple[int, ...]
    by_size: tuple[tuple[float, int], ...]
    by_width: tuple[tuple[float, int], ...]
    left_out: tuple[str, ...]
    counted: NDArray[np.str_]
    untouched: NDArray[np.str_]

    @property
    def runs(self) -> int:
        """How many models are trained in all."""
        return self.budget.runs * len(self.arms)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the factors."""
        return tuple(factor.name for factor in self.factors)

    @property
    def aliases(self) -> tuple[str, ...]:
        """What the design cannot tell from what, in words."""
        return self.budget.design.aliases(self.names)

    def missing(self, directory: Path | str) -> tuple[int, ...]:
        """Return how many runs of each arm are not there yet."""
        there = [finished_runs(place(arm_directory(directory, arm))) for arm in self.arms]
        return tuple(sum(run not in found for run in range(self.budget.runs)) for found in there)


def plan_causes(
    task: Task,
    *,
    runs: int = 96,
    seed: int = 0,
    only: Sequence[str] = (),
    remedies: Sequence[Control | str] = (),
) -> CausesPlan:
    """Plan an experiment of at most `runs` runs on why this model memorizes, without training anything.

    `only` names the factors to examine (default: all that this task has), `remedies` are controls that are examined too, in
    place of the usual regularization. Raises InvalidData when the budget is too small, naming the smallest that would do,
    when the task is too small for canaries, and for a remedy that cannot act on it.
    """
    count = len(task.train)
    if count < 100:
        raise InvalidData(
            f"{count} training examples are too few: nothing could be told from runs on half of them. Give 100 or more."
        )
    most = count // 10
    canaries = Canaries(
        mislabeled=min(max(USUAL_CANARIES, min(round(0.015 * count), MOST_CANARIES)), most),
        ordinary=min(USUAL_CANARIES, most),
    )
    twins = Twins.of(task, canaries, seed, NOISE)
    factors, left = factors_of(task, twins, only=only, remedies=remedies)
    wide = resized(task, 2.0)
    can_size, can_widen = not only or "data" in only, not isinstance(wide, str) and (not only or "width" in only)
    budget = spend(
        [factor.as_is for factor in factors], runs, can_size=can_size and "data" in [f.name for f in factors],
        can_widen=can_widen,
    )  # fmt: skip
    arms: dict[str, Arm] = {}

    def position(changes: Sequence[tuple[str, Callable[[Task], Task], float]]) -> int:
        name = "+".join(key for key, _, _ in changes) or AS_IS
        if name not in arms:
            changed = task if isinstance(task.model, Fit) else _evaluated(task, 0 if changes else POINTS)
            for _, change, _ in changes:
                changed = change(changed)
            arms[name] = Arm(name, changed, math.prod(cost for _, _, cost in changes))
        return list(arms).index(name)

    rows = tuple(
        position(
            [(f.key, f.change, f.cost) for f, level in zip(factors, cell, strict=True) if level != f.as_is],
        )
        for cell in budget.design.levels
    )
    as_is = position([])
    noise, copies = (any(factor.name == name for factor in factors) for name in ("noise", "variety"))
    sizes = [(share, position([(f"data{share:g}", _left(twins, share), share)])) for share in budget.sizes]
    widths = [(width, position([(f"width{width:g}", _wide(width), _cost(task, width))])) for width in budget.widths]
    return CausesPlan(
        task=task,
        factors=factors,
        budget=budget,
        canaries=canaries,
        seed=seed,
        arms=tuple(arms.values()),
        rows=rows,
        by_size=(*sizes, (1.0, as_is)) if sizes else (),
        by_width=tuple(sorted([*widths, (1.0, as_is)])) if widths else (),
        left_out=(*left, *budget.left_out),
        counted=twins.counted(task, copies=copies, noise=False),
        untouched=twins.counted(task, copies=copies, noise=noise),
    )


def estimate_seconds(plan: CausesPlan, directory: Path | str, compute: Compute = Compute()) -> float | None:
    """Return about how long the runs take that are missing, from a few epochs of the model as it is; None for a Fit."""
    missing = plan.missing(directory)
    if isinstance(plan.task.model, Fit):
        return None
    if not sum(missing):
        return 0.0
    task, runs = replace(plan.task, recipe=replace(plan.task.recipe, evaluate_every=0)), plan.budget.runs
    each = durations(task, [], plan.canaries, plan.seed, compute, together=runs, design=Together())
    if each is None:
        return None
    total = sum(count * arm.cost for count, arm in zip(missing, plan.arms, strict=True)) * each.run
    return total / min(compute.workers or cores(), runs) + each.arm * sum(map(bool, missing))


def arm_directory(directory: Path | str, arm: Arm) -> Path | str:
    """Return where the record of an arm is."""
    return subdirectory(directory, f"cells/{arm.name}")


class BudgetProgress:
    """Adds up the progress of all arms, each weighted by how long it takes; says something before the first is begun."""

    def __init__(self, plan: CausesPlan, directory: Path | str, show: Watcher) -> None:
        self.left = [n * arm.cost for n, arm in zip(plan.missing(directory), plan.arms, strict=True)]
        self.runs = list(plan.missing(directory))
        self.at, self.show = 0, show
        self(Progress(0, 1, 0, 1))

    def __call__(self, now: Progress) -> None:
        """Show how far all of them are, in thousandths."""
        whole = sum(self.left) or 1.0
        share = now.steps / now.of_steps if now.of_steps else 1.0
        done = sum(self.left[: self.at]) + share * (self.left[self.at] if self.at < len(self.left) else 0.0)
        runs = sum(self.runs[: self.at]) + (now.runs if self.at < len(self.runs) and self.runs[self.at] else 0)
        self.show(Progress(round(1000 * done / whole), 1000, runs, sum(self.runs)))

    def next(self) -> None:
        """Go on to the next arm."""
        self.at += 1
        if any(self.runs[self.at :]) or self.at == len(self.runs):
            self(Progress(0, 1, 0, 1))


def _evaluated(task: Task, points: int) -> Task:
    every = math.ceil(task.recipe.epochs / points) if points else 0
    return replace(task, recipe=replace(task.recipe, evaluate_every=every))


def _left(twins: Twins, share: float) -> Callable[[Task], Task]:
    return lambda task: twins.left(task, share)


def _wide(width: float) -> Callable[[Task], Task]:
    def change(task: Task) -> Task:
        found = resized(task, width)
        if isinstance(found, str):
            raise InvalidData(found)
        return found

    return change


def _cost(task: Task, width: float) -> float:
    changed: Any = _wide(width)(task).model
    make: Any = task.model
    return (weights_of(changed) / weights_of(make)) ** 0.5
