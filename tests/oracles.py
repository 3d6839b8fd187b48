"""Learners whose memorization is known exactly: 1-nearest-neighbour and ridge to one-hot labels, in float64.

Each takes (points, labels, member) and says which examples it gets right; each has a closed form for leaving
one out.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Learner = Callable[[Floats, Ints, Bools], Bools]

PENALTY = 0.5


def nearest_neighbour(points: Floats, labels: Ints, member: Bools) -> Bools:
    """Return which examples get their own label from the nearest member (the first one, in a tie)."""
    distance = np.sum((points[:, None] - points[None]) ** 2, axis=2)
    distance[:, ~member] = np.inf
    return labels[np.argmin(distance, axis=1)] == labels


def nearest_neighbour_left_out(points: Floats, labels: Ints) -> Bools:
    """Return which examples get their own label from all others: that of the nearest other point."""
    distance = np.sum((points[:, None] - points[None]) ** 2, axis=2)
    np.fill_diagonal(distance, np.inf)
    return labels[np.argmin(distance, axis=1)] == labels


def ridge(points: Floats, labels: Ints, member: Bools) -> Bools:
    """Return which examples get their own label from least squares to one-hot labels of the members."""
    x, y = points[member], np.eye(labels.max() + 1)[labels[member]]
    weights = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ y)
    return np.argmax(points @ weights, axis=1) == labels


def ridge_left_out(points: Floats, labels: Ints) -> Bools:
    """Return which examples get their own label from all others: residual / (1 - h), h the leverage."""
    y = np.eye(labels.max() + 1)[labels]
    hat = points @ np.linalg.solve(points.T @ points + PENALTY * np.eye(points.shape[1]), points.T)
    residual = (y - hat @ y) / (1 - np.diag(hat))[:, None]
    return np.argmax(y - residual, axis=1) == labels


def refit(learner: Learner, points: Floats, labels: Ints, members: Bools) -> Bools:
    """Return `correct` of every run: one plain refit for each row of `members`."""
    return np.array([learner(points, labels, member) for member in members])


def leave_out(groups: Ints) -> Bools:
    """Return the design that leaves out one group per run, after one run with everyone."""
    everyone = np.ones((1, len(groups)), bool)
    return np.concatenate([everyone, groups[None] != np.unique(groups)[:, None]])


def all_subsets(n: int, size: int) -> Bools:
    """Return every subset of `size` of `n` examples, one per run."""
    members = np.zeros((0, n), bool)
    rows: Iterator[tuple[int, ...]] = itertools.combinations(range(n), size)
    for chosen in rows:
        members = np.concatenate([members, np.isin(np.arange(n), chosen)[None]])
    return members


def problem(seed: int, *, n: int = 8, classes: int = 2) -> tuple[Floats, Ints]:
    """Return points and labels of noisy, overlapping classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    return rng.normal(size=(n, 3)) + labels[:, None], labels
