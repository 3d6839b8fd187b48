"""The list of wanted examples: as the user gives it, checked before anything is trained."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from byrote.controls import wanted
from byrote.controls.own_contradictions import most_recalled
from byrote.controls.wanted import check_exact, needed
from byrote.errors import InvalidData
from byrote.task.task import Task

LIST_STREAM = 9
"""Separates the draw of a random list from other random numbers under one seed."""

Given = int | str | Path | Iterable[object]
"""How one may say what is wanted: a number of random examples, a file of ids, or the ids."""


@dataclass(frozen=True)
class WantedList:
    """The ids of wanted examples, in the order of the task; `drawn`: at random. `notes` are said before anything is trained.

    `best` of them can be right at once: fewer than all where some contradict each other.
    """

    ids: tuple[str, ...]
    drawn: bool
    best: int
    notes: tuple[str, ...]


def wanted_list(
    task: Task, given: Given, *, recall: float = 0.99, tolerance: float | None = None, seed: int = 0
) -> WantedList:
    """Return the list that is meant; raise InvalidData for one that cannot be compared with other examples, or recalled.

    A number draws so many of the training examples that are not excluded, by the seed. A file has an id in each line, or is
    a CSV file with a column `example` or `id`.
    """
    control = wanted(_drawn(task, given, seed) if isinstance(given, int) else given, recall, tolerance=tolerance)
    check_exact(task, tolerance)
    listed, present = control.listed(), set(task.train.ids.tolist())
    unknown = [name for name in listed if name not in present]
    if unknown:
        raise InvalidData(
            f"{len(unknown)} of the {len(listed)} wanted ids are of no training example of {task.name!r}, for example {unknown[0]!r}. Give ids of Task.train."
        )
    gone = sorted(set(listed) & task.excluded)
    if gone:
        raise InvalidData(
            f"{len(gone)} of the wanted examples are excluded from {task.name!r}, for example {gone[0]!r}. Leave them out of one of the two."
        )
    which = np.flatnonzero(np.isin(task.train.ids, listed))
    count, free = len(which), len(task.train) - len(task.excluded)
    if not count:
        raise InvalidData("The list of wanted examples is empty. Give one id or more, or a number of random ones.")
    if count == free:
        raise InvalidData(
            f"All {count} training examples are wanted, so none is left to say what it costs the others. Train with byrote.controls.wanted instead, or want fewer."
        )
    best = most_recalled(task, which, tolerance)
    if best < needed(recall, count):
        raise InvalidData(
            f"Wanted examples contradict each other: at most {best} of {count} can be right at once, because some have the same input and another target. Ask for a recall of {best / count:.3g} or less, or leave some out."
        )
    notes: list[str] = []
    if len(listed) > len(set(listed)):
        notes.append(
            f"{len(listed) - len(set(listed))} of the {len(listed)} ids are there more than once; each example counts once."
        )
    if best < count:
        notes.append(
            f"At most {best} of the {count} wanted examples can be right at once: some have the same input and another target."
        )
    if count > free / 2:
        notes.append(
            f"{count} of {free} training examples are wanted: what it costs the few others is known less well."
        )
    return WantedList(tuple(task.train.ids[which].tolist()), isinstance(given, int), best, tuple(notes))


def _drawn(task: Task, count: int, seed: int) -> tuple[str, ...]:
    free = np.flatnonzero(~np.isin(task.train.ids, sorted(task.excluded)))
    if isinstance(cast("object", count), bool) or not 0 < count <= len(free):
        raise InvalidData(
            f"{count!r} random examples cannot be drawn from {len(free)} training examples. Give a number from 1 to {len(free) - 1}."
        )
    order = np.random.default_rng([seed, LIST_STREAM]).permutation(free)
    return tuple(task.train.ids[np.sort(order[:count])].tolist())
