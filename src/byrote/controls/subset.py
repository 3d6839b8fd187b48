"""Subset: less data, a part of the training examples drawn once."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.controls._examples import DataControl, included, without
from byrote.controls.control import check_number
from byrote.errors import InvalidData
from byrote.task.task import Task


@dataclass(frozen=True)
class subset(DataControl):
    """Learns from a share of the training examples, the same in all runs; 1 changes nothing, near 0 is almost no data.

    The opposite of a remedy: with less data the accuracy on other examples falls, while those that are left are still
    learned; how fast that goes says what more data would do. Of each class the same share is kept, and one example at least;
    other targets are drawn together. A smaller share with the same `seed` is a part of a larger one. The others stay in the
    record as examples that no run was trained on. Designs and canaries are as without it, so canaries are a larger part of
    what is learned: wrong labels among them are learned by heart either way.
    """

    share: float
    seed: int = 0
    name: ClassVar[str] = "subset"
    zero: ClassVar[float | None] = 1.0
    strengths: ClassVar[tuple[Any, ...]] = (0.75, 0.5, 0.25)

    def __post_init__(self) -> None:
        check_number(self, "share", self.share, most=1.0)
        if type(self.seed) is not int or self.seed < 0:
            raise InvalidData(f"subset(seed={self.seed!r}) means nothing. Give a whole number, 0 or more.")
        if not self.share:
            raise InvalidData("subset(share=0) leaves no training example. Give a share above 0.")

    def change(self, task: Task) -> Task:
        """Return the task that leaves the other examples out."""
        there = np.flatnonzero(included(task))
        out = np.zeros(len(task.train), np.bool_)
        out[there] = True
        labels = task.train.labels[there]
        strata = labels if task.learned.name == "classification" else np.zeros(len(there), np.int64)
        out[there[chosen(strata, self.share, self.seed)]] = False
        return without(self, task, out)


def chosen(strata: Int[ndarray, " example"], share: float, seed: int) -> Int[ndarray, " kept"]:
    """Return positions of a share of each stratum, rounded, and of one example at least."""
    order = np.random.default_rng(seed).permutation(len(strata))
    kept: list[Int[ndarray, " kept"]] = []
    for stratum in np.unique(strata):
        those = order[strata[order] == stratum]
        kept.append(those[: max(1, round(share * len(those)))])
    return np.sort(np.concatenate(kept))
