"""Taking: a random part of a task's training examples, for a first look at large data."""

from dataclasses import replace

import numpy as np

from byrote.errors import InvalidData
from byrote.task.task import Task

TAKE_STREAM = 7


def taken(task: Task, take: int | None, seed: int) -> Task:
    """Return the task with `take` of its training examples, drawn by the seed, in their order; with None, the task itself.

    Test examples stay. With another number, the smaller part lies in the larger one. Raises InvalidData for fewer than two
    examples, or more than there are.
    """
    if take is None:
        return task
    if type(take) is not int or not 2 <= take <= len(task.train):
        raise InvalidData(
            f"take={take!r} cannot be taken from {len(task.train)} training examples. Give a whole number from 2 to {len(task.train)}."
        )
    order = np.random.default_rng([seed, TAKE_STREAM]).permutation(len(task.train))
    return replace(task, train=task.train[np.sort(order[:take])])
