"""Twins: which training examples a copy may take the place of, and which are left out first, so that all arms can be paired."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.record.inputs import rows
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.task import Task

TWIN_STREAM = 11
"""Separates these random numbers from those of designs, canaries and runs under one seed."""


@dataclass(frozen=True, eq=False)
class Twins:
    """Pairs of training examples of one class, in random order; positions in `Task.train`.

    No canary is made of any of them, and none is excluded. Where variety is low, `copies[i]` is a copy of `originals[i]`, which
    comes first in the data and decides for both which runs they are in; where
    there are fewer examples, pairs are left out whole, so both changes can be made at once. `noisy` get a wrong label.
    """

    originals: Int[ndarray, " pair"]
    copies: Int[ndarray, " pair"]
    noisy: Int[ndarray, " noisy"]
    seed: int

    @classmethod
    def of(cls, task: Task, canaries: Canaries, seed: int, noise: float) -> "Twins":
        """Draw the pairs of a task, and the share `noise` of the examples that may get a wrong label."""
        rng = np.random.default_rng([seed, TWIN_STREAM])
        planted = plant(task, canaries, seed).source
        taken = {name.removeprefix("train/") for name in planted.tolist() if name} | task.excluded
        free = np.flatnonzero(~np.isin(task.train.ids, sorted(taken))) if taken else np.arange(len(task.train))
        labels = task.train.labels
        kinds = labels[free] if task.learned.name == "classification" else np.zeros(len(free), np.int64)
        pairs = [_paired(rng.permutation(free[kinds == kind])) for kind in np.unique(kinds)]
        joined = np.sort(_interleaved(pairs), axis=1)  # `Together` asks the first of a group
        noisy = np.sort(rng.permutation(free)[: round(noise * len(free))])
        return cls(joined[:, 0], joined[:, 1], noisy, seed)

    def left(self, task: Task, share: float) -> Task:
        """Return the task with about this share of its examples: of each class the same; the others are excluded.

        A smaller share is part of a larger one. Examples that canaries are made of stay.
        """
        out = np.concatenate([each[round(share * len(each)) :] for each in (self.originals, self.copies)])
        return replace(task, excluded=task.excluded | set(task.train.ids[out].tolist()))

    def copied(self, task: Task) -> Task:
        """Return the task in which every second example is a copy of another one: half as many are distinct.

        Ids, length and order stay. A copy has the group of its original, so that both are in the same runs.
        """
        train, source = task.train, np.arange(len(task.train))
        source[self.copies] = self.originals
        groups = np.full(len(train), "", dtype=object) if train.groups is None else train.groups.astype(object)
        named = [f"twins {i}" for i in range(len(self.originals))]
        own = groups[self.originals]
        groups[self.originals] = groups[self.copies] = np.where(own == "", np.array(named, dtype=object), own)
        copied = Examples(
            rows(train.inputs, source),
            train.labels[source],
            list(train.ids),
            groups=list(groups),
            weights=None if train.weights is None else train.weights[source],
            kind=train.display.kind or None,
            columns=train.display.columns or None,
            show=train.show,
        )
        return replace(task, train=copied.with_cells(train.display.cells))

    def mislabeled(self, task: Task) -> Task:
        """Return the task with wrong labels (or clearly different targets) for `noisy`."""
        rng = np.random.default_rng([self.seed, TWIN_STREAM, 1])
        labels = task.train.labels.copy()
        labels[self.noisy] = task.learned.wrong(task.train.labels, self.noisy, rng)
        return replace(task, train=task.train.with_labels(labels))

    def counted(self, task: Task, *, copies: bool, noise: bool) -> NDArray[np.str_]:
        """Return the ids of the training examples that no level changes, of those that are made: `copies`, and `noise`."""
        kept = ~np.isin(task.train.ids, sorted(task.excluded))
        if copies:
            kept[self.copies] = False
        if noise:
            kept[self.noisy] = False
        return task.train.ids[kept]


def _paired(order: NDArray[np.int64]) -> Int[ndarray, "pair 2"]:
    return order[: len(order) // 2 * 2].reshape(-1, 2)


def _interleaved(parts: Sequence[NDArray[np.int64]]) -> Int[ndarray, "pair 2"]:
    """Return all pairs in an order whose every beginning has about the same share of each part."""
    rank = np.concatenate([(np.arange(len(part)) + 0.5) / max(len(part), 1) for part in parts])
    return np.concatenate(parts)[np.argsort(rank, kind="stable")]
