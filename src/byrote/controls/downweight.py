"""Downweight: chosen training examples count less (or more) in the loss."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from byrote.controls._examples import DataControl, as_ids, named
from byrote.controls.control import check_number
from byrote.task.task import Task


@dataclass(frozen=True, init=False)
class downweight(DataControl):
    """Multiplies the weight of the losses of chosen examples by `weight`: 1 changes nothing, at 0 they are not learned.

    `ids` are those of the task or of its record, or the path of a file of them, as in `drop`. Weights are relative to each
    other within a batch. A weight above 1 makes of it the opposite: wanted examples are learned more. A model that fits its
    training data exactly fits an example of small weight too, only later (Byrd & Lipton, 2019, arXiv:1812.03372): combine
    it with fewer epochs, or drop the examples. A `byrote.Fit` gets the weights as `train.weights`, and must use them.
    """

    ids: str | tuple[str, ...]
    weight: float
    name: ClassVar[str] = "downweight"
    zero: ClassVar[float | None] = 1.0
    strengths: ClassVar[tuple[Any, ...]] = (0.5, 0.1, 0.0)

    def __init__(self, ids: str | Path | Iterable[object], weight: float) -> None:
        object.__setattr__(self, "ids", as_ids(self, ids))
        object.__setattr__(self, "weight", weight)
        check_number(self, "weight", weight)

    @property
    def strength(self) -> Any:
        """The weight."""
        return self.weight

    def at(self, strength: Any) -> Self:
        """Return the same examples with another weight."""
        return replace(self, weight=strength)

    def change(self, task: Task) -> Task:
        """Return the task with these weights; raise InvalidData for unknown ids."""
        before = task.train.weights
        weights = np.ones(len(task.train), np.float32) if before is None else before
        factor = np.where(named(self, task, self.ids), self.weight, 1.0)
        return replace(task, train=task.train.with_weights(weights * factor))
