"""Wanted: chosen examples weigh more in the loss while the model misses them, until the share that it recalls is held."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.controls._examples import TRAIN, as_ids, named, read_ids
from byrote.controls.control import Control, check_count, check_number
from byrote.controls.own_contradictions import most_recalled
from byrote.errors import InvalidData
from byrote.task.methods import ExampleRule, Watched
from byrote.task.task import Task

GROWTH = 1.5
"""An example that is missed weighs so many times as much in the next epoch, while recall is below the floor."""

EASE = 0.9
"""An example that is right weighs so much of its weight in the next epoch; 1 at least."""

OF_BATCH = 8
"""By default an example weighs at most the batch size over this: with larger steps for single examples a model does not learn."""

LEAST_MOST = 2.0
"""The largest weight by default, where batches are small."""

ROUNDING = 1e-9


@dataclass(frozen=True, init=False)
class wanted(Control):
    """Holds the recall of chosen training examples at `recall` or above, by the weights of their losses.

    Recall is the share of these examples that the model answers exactly, in evaluation mode, after each epoch: 1 is all.
    While it is below the floor, the loss of each example that is missed counts half as much again from epoch to epoch, up to
    `most` times (default: an eighth of the batch size, 2 at least); an example that is right eases back towards 1. A run ends
    when the floor has held after `holds` epochs in a row (`stop=False`: it goes on to its last epoch). Where the epochs are
    used up before, the floor was not held: look at the column `wanted_recall`. `most=1` changes no weight, and watches.
    Weights that are large for the batch or the learning rate keep a model from learning: train longer before you raise `most`.

    `ids` are those of the task or of its record, or the path of a file of them, as in `drop`. All runs are trained on them,
    whatever the design leaves out: what is known of them without training needs runs of `drop(ids)`. An answer is exact
    where the class is right; all labels, of several; every token of a text, each given the text before it; of numbers, all
    targets within `tolerance`, in their units, which has no default. It is similar to boosting (Freund & Schapire, 1997),
    within one model. What it costs is spent on these examples: `byrote memorize` measures it. Raises InvalidData for an
    empty list, and for wanted examples that contradict each other so often that the floor cannot hold.
    """

    ids: str | tuple[str, ...]
    recall: float
    most: float | None
    holds: int
    stop: bool
    tolerance: float | None
    name: ClassVar[str] = "wanted"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = (0.9, 0.99, 1.0)

    def __init__(
        self,
        ids: str | Path | Iterable[object],
        recall: float = 0.99,
        most: float | None = None,
        holds: int = 3,
        stop: bool = True,
        tolerance: float | None = None,
    ) -> None:
        object.__setattr__(self, "ids", as_ids(self, ids))
        for key, value in (("recall", recall), ("most", most), ("holds", holds), ("stop", stop)):
            object.__setattr__(self, key, value)
        object.__setattr__(self, "tolerance", tolerance)
        check_recall(recall)
        if most is not None:
            check_number(self, "most", most, least=1.0)
        check_count(self, "holds", holds)
        if tolerance is not None:
            check_number(self, "tolerance", tolerance)

    @property
    def strength(self) -> Any:
        """The floor."""
        return self.recall

    def listed(self) -> tuple[str, ...]:
        """Return the ids as they are given, those in a file if it is one, without the `train/` of a record."""
        given = read_ids(self, self.ids) if isinstance(self.ids, str) else self.ids
        return tuple(name.removeprefix(TRAIN) for name in given)

    def at(self, strength: Any) -> Self:
        """Return the same examples with another floor."""
        return replace(self, recall=strength)

    def change(self, task: Task) -> Task:
        """Return the task that recalls these examples; raise InvalidData where that cannot be."""
        which = named(self, task, self.ids)
        if not which.any():
            raise InvalidData("No example is wanted, so there is nothing to recall. Give one id or more.")
        check_exact(task, self.tolerance)
        best = most_recalled(task, np.flatnonzero(which), self.tolerance)
        if best < needed(self.recall, int(which.sum())):
            raise InvalidData(
                f"Wanted examples contradict each other: at most {best} of {which.sum()} can be right at once, because some have the same input and another target. "
                f"Ask for a recall of {best / which.sum():.3g} or less, or leave some out."
            )
        names = task.train.ids[which].tolist()
        most = max(task.recipe.batch_size / OF_BATCH, LEAST_MOST) if self.most is None else self.most
        rule = RecallFloor(tuple(names), self.recall, most, self.holds, self.stop, self.tolerance)
        return replace(task, recipe=task.recipe.with_method(rule), always=task.always | set(names))


@dataclass(frozen=True)
class RecallFloor(ExampleRule):
    """What `wanted` adds to a recipe: the weights of the wanted examples, by their ids in the task."""

    ids: tuple[str, ...]
    recall: float
    most: float
    holds: int
    stop: bool
    tolerance: float | None
    name: ClassVar[str] = "wanted"

    @property
    def strength(self) -> float:
        """The floor, which is no knob."""
        return self.recall

    def __str__(self) -> str:
        digest = hashlib.sha256("\0".join(self.ids).encode()).hexdigest()[:12]
        rest = f"recall={self.recall!r}, most={self.most!r}, holds={self.holds!r}, stop={self.stop!r}, tolerance={self.tolerance!r}"
        return f"wanted({len(self.ids)} examples {digest}, {rest})"

    def watched(self, ids: NDArray[np.str_]) -> Int[ndarray, " watched"]:
        """Return the positions of the wanted examples among those with these ids of a record."""
        return np.flatnonzero(np.isin(ids, [f"{TRAIN}{name}" for name in self.ids]))

    def right(self, columns: Mapping[str, NDArray[Any]], targets: NDArray[Any]) -> Bool[ndarray, " watched"]:
        """Return which examples are answered exactly."""
        return exact(columns, targets, self.tolerance)

    def weights(self, history: Sequence[Watched], count: int) -> Float[ndarray, " watched"]:
        """Return the weights for the next epoch, from what was right after each epoch so far."""
        found = np.ones(count)
        for seen in history:
            missed = ~seen.right & (seen.right.sum() < needed(self.recall, count))
            eased = np.where(seen.right, np.maximum(found * EASE, 1.0), found)
            found = np.where(missed, np.minimum(found * GROWTH, self.most), eased)
        return found

    def ends(self, history: Sequence[Watched]) -> bool:
        """Return whether the floor held after each of the last `holds` epochs."""
        last = history[-self.holds :]
        held = all(seen.right.sum() >= needed(self.recall, len(seen.right)) for seen in last)
        return self.stop and len(last) == self.holds and held


def needed(recall: float, count: int) -> int:
    """Return how many of so many examples must be right for a recall of `recall`."""
    return int(np.ceil(recall * count - ROUNDING))


def exact(
    columns: Mapping[str, NDArray[Any]], targets: NDArray[Any], tolerance: float | None
) -> Bool[ndarray, " example"]:
    """Return which examples are answered exactly, from the columns of a clean pass; numbers are, within `tolerance`."""
    if "correct" in columns:
        return columns["correct"].astype(np.bool_)
    predicted = np.stack([columns[name] for name in columns if name.startswith("prediction")], axis=1)
    off = np.abs(predicted.astype(np.float64) - targets.reshape(len(targets), -1))
    return np.asarray((off <= (0.0 if tolerance is None else tolerance)).all(axis=1))


def check_exact(task: Task, tolerance: float | None) -> None:
    """Raise InvalidData where it is not said when an answer is exact, or said where it needs not be."""
    numbers = task.learned.name == "regression"
    if numbers and tolerance is None:
        raise InvalidData(
            f"{task.name!r} predicts numbers, which are never exactly right. Give a tolerance, in the units of the targets."
        )
    if not numbers and tolerance is not None:
        raise InvalidData(
            f"{task.name!r} learns {task.learned.name}, where an answer is right or not. Leave the tolerance out."
        )


def check_recall(recall: Any) -> None:
    """Raise InvalidData unless a floor is a number above 0 and up to 1."""
    number = isinstance(recall, float | int | np.number) and not isinstance(recall, bool)
    if not (number and 0 < float(recall) <= 1):
        raise InvalidData(f"recall={recall!r} is no floor. Give a share above 0, and 1 at most: 0.99.")
