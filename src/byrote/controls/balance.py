"""Balance: rare classes weigh more, so that all classes weigh the same."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from byrote.controls._examples import DataControl, included
from byrote.controls.control import check_classes, check_number
from byrote.task.task import Task


@dataclass(frozen=True)
class balance(DataControl):
    """Weighs each training example by (mean size of a class / size of its class) to the power of `power`.

    0 changes nothing, and at 1 all classes weigh the same in the loss, as with `class_weight="balanced"` of scikit-learn.
    Rare classes are then learned better, and their examples are rather memorized more: look at both. Examples of wrong label that
    stand in a rare class weigh more too. A canary has the weight of the example that it was made of. A `byrote.Fit` gets the
    weights as `train.weights`, and must use them.
    """

    power: float = 1.0
    name: ClassVar[str] = "balance"
    strengths: ClassVar[tuple[Any, ...]] = (0.5, 1.0)

    def __post_init__(self) -> None:
        check_number(self, "power", self.power)

    def change(self, task: Task) -> Task:
        """Return the task with these weights; raise InvalidData unless it learns classes."""
        check_classes(self, task)
        labels, before = task.train.labels, task.train.weights
        sizes = np.bincount(labels[included(task)], minlength=len(task.classes))
        factor = (sizes[sizes > 0].mean() / np.maximum(sizes, 1)) ** self.power
        weights = factor[labels] * (1.0 if before is None else before)
        return replace(task, train=task.train.with_weights(weights))
