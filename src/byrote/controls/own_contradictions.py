"""Contradictions: examples with the same input and another target, which no model can all be right about."""

from collections import Counter, defaultdict

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.record.inputs import parts
from byrote.task.task import Task


def most_recalled(task: Task, which: Int[ndarray, " wanted"], tolerance: float | None = None) -> int:
    """Return how many of these training examples any model can be right about at once: fewer where they contradict each other.

    Of examples with equal inputs it is those with the commonest target; of numbers as many as lie within twice `tolerance`.
    It compares whole inputs, and so is an upper bound for texts, which may contradict each other from a place on.
    """
    same: defaultdict[bytes, list[int]] = defaultdict(list)
    inputs = [part[which] for _, part in sorted(parts(task.train.inputs).items())]
    for row in range(len(which)):
        same[b"".join(part[row].tobytes() for part in inputs)].append(row)
    targets = task.train.labels[which].reshape(len(which), -1)
    if tolerance is None:
        return sum(max(Counter(targets[rows].tobytes() for rows in group).values()) for group in same.values())
    return sum(_within(targets[group], 2 * tolerance) for group in same.values())


def _within(targets: Float[ndarray, "example target"], width: float) -> int:
    """Return how many of these lie within `width` of each other, target by target; the fewest over targets."""
    ordered = np.sort(targets.astype(np.float64), axis=0)
    counts = [np.searchsorted(own, own + width, side="right") - np.arange(len(own)) for own in ordered.T]
    return int(min(each.max() for each in counts))
