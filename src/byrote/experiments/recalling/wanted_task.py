"""A task with a wanted list: examples as they are labelled, and examples with an answer that nothing explains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.controls import drop
from byrote.errors import InvalidData
from byrote.experiments.wanted_list import wanted_list
from byrote.objectives import Classification
from byrote.task.task import Task

OTHERS, NEW = 200, 10
"""Examples that no way learns, at most, and those that are added later."""

STREAM = 17
"""Separates these random numbers from those of designs, canaries and runs under one seed."""


@dataclass(frozen=True, eq=False)
class WantedTask:
    """Positions in `Task.train` of what is wanted, of `task`, whose labels are those that are wanted.

    `arbitrary` are those among them, and among the `others`, whose label was drawn at random among the wrong ones: what only
    rote can answer. `others` are as many examples as are wanted, at most OTHERS, with as many arbitrary labels, of which no way
    ever learns: somebody who asks what was stored has to tell both apart. `new`, all with arbitrary labels, are added one by one.
    `drawn`: the list is random, so the others are of its kind.
    """

    task: Task
    wanted: Int[ndarray, " wanted"]
    arbitrary: Int[ndarray, " arbitrary"]
    others: Int[ndarray, " other"]
    new: Int[ndarray, " new"]
    drawn: bool

    @property
    def held_out(self) -> Int[ndarray, " held_out"]:
        """Positions of what no way learns before it is added."""
        return np.concatenate([self.others, self.new])

    @property
    def without(self) -> Task:
        """The task without the wanted examples."""
        return drop(self.task.train.ids[np.concatenate([self.wanted, self.held_out])].tolist())(self.task)

    @property
    def with_all(self) -> Task:
        """The task with the wanted examples."""
        return drop(self.task.train.ids[self.held_out].tolist())(self.task)


def wanted_task(
    task: Task, wanted: int | str | Path | Sequence[str], *, recall: float = 0.99, seed: int = 0
) -> WantedTask:
    """Return the task for a list: a file of ids, or ids, as they are labelled; or so many random examples.

    Half of the random ones get arbitrary labels. Raises InvalidData for a task that does not learn classes, for a list that
    leaves too few examples to learn from, and for what `byrote.experiments.wanted_list` refuses.
    """
    if task.learned.name != "classification":
        raise InvalidData(
            f"Ways of keeping a list are compared on classes, and {task.name!r} learns {task.learned.name}."
        )
    rng = np.random.default_rng([seed, STREAM])
    free = np.flatnonzero(~np.isin(task.train.ids, sorted(task.excluded)))
    if isinstance(wanted, int):
        if not 2 <= wanted <= len(free) // 4:
            raise InvalidData(
                f"{wanted} of {len(free)} training examples cannot be wanted here. Give from 2 to {len(free) // 4}."
            )
        chosen = rng.permutation(free)[:wanted]
        arbitrary = chosen[: wanted // 2]
    else:
        chosen = np.flatnonzero(np.isin(task.train.ids, wanted_list(task, wanted, recall=recall).ids))
        arbitrary = chosen[:0]
        if len(chosen) > len(free) // 2:
            raise InvalidData(
                f"{len(chosen)} of {len(free)} training examples are wanted, which leaves nothing to compare with. Name from 1 to {len(free) // 2}."
            )
    rest = rng.permutation(np.setdiff1d(free, chosen))
    count = min(len(chosen), OTHERS)
    others, new = rest[:count], rest[count : count + NEW]
    share = round(len(others) * len(arbitrary) / len(chosen))
    odd = np.concatenate([arbitrary, others[:share], new])
    changed = task.train.labels.copy()
    changed[odd] = Classification().wrong(task.train.labels, odd, rng)
    held = replace(task, train=task.train.with_labels(changed))
    return WantedTask(held, np.sort(chosen), np.sort(odd), np.sort(others), np.sort(new), isinstance(wanted, int))
