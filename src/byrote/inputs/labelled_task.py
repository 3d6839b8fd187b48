"""From labelled rows, each with a picture or a series, to a task: its test set, model and recipe."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from byrote.inputs.folder_task import convolution_recipe
from byrote.inputs.labelled import Labelled, parts_of, split_of
from byrote.inputs.reading import Reading
from byrote.inputs.splitting import Split
from byrote.inputs.table_rows import Rows
from byrote.objectives import Classification, Regression
from byrote.task.examples import Examples
from byrote.task.inferred import Inferred, InferredColumn
from byrote.task.models import suited
from byrote.task.recipe import Recipe
from byrote.task.task import Task


def some_of(found: Labelled, positions: Sequence[int]) -> Labelled:
    """Return some of the rows."""
    at = np.array(positions, np.int64)
    target = replace(found.target, labels=found.target.labels[at], there=found.target.there[at])
    return replace(
        found,
        table=found.table.take(at),
        target=target,
        ids=found.ids[at],
        groups=found.groups[at],
        stated_groups=found.stated_groups[at],
    )


def examples_of(
    found: Labelled, inputs: NDArray[Any], which: NDArray[np.bool_], *,
    kind: str, columns: Sequence[str] = (), show: Callable[[Any], str] | None = None,
) -> Examples:  # fmt: skip
    """Return the rows of a mask as examples: `inputs` has an entry for each row of the table."""
    groups = found.groups[which]
    return Examples(
        inputs[which], found.target.labels[which], list(found.ids[which]),
        groups=list(groups) if (groups != "").any() else None, kind=kind, columns=columns or None, show=show,
    )  # fmt: skip


def task_of(
    rows: Rows, reading: Reading, found: Labelled, split: Split, model: Callable[[], nn.Module], train: Examples, test: Examples,
    recipe: Recipe, columns: Sequence[InferredColumn], *about: str,
) -> Task:  # fmt: skip
    """Return the task that predicts the label, with what became of the columns, and sentences `about` the model."""
    sentences = (*found.sentences, *split.sentences, *about)
    return Task(
        model,
        train if reading.id else _named_once(train, "train"),
        test if reading.id else _named_once(test, "test"),
        recipe,
        found.target.classes or (str(reading.label),),
        rows.name,
        Classification() if found.target.classes else Regression(),
        inferred=Inferred(rows.source, reading.options(), tuple(columns), sentences),
    )


def _named_once(examples: Examples, side: str) -> Examples:
    """Return the rows of a split that has the name of its side without that name: a record puts it in front of all ids."""
    ids: list[str] = examples.ids.tolist()
    if not all(each.startswith(f"{side}/") for each in ids):
        return examples
    return examples.with_ids([each.removeprefix(f"{side}/") for each in ids])


def in_order(rows: Rows, columns: Sequence[InferredColumn]) -> tuple[InferredColumn, ...]:
    """Return the columns in the order of the table."""
    order = {name: at for at, name in enumerate(rows.table.column_names)}
    return tuple(sorted(columns, key=lambda each: order[each.name]))


def labelled_task(
    rows: Rows, reading: Reading, found: Labelled, inputs: NDArray[Any], read: Sequence[InferredColumn], *,
    kind: str, columns: Sequence[str], channels: tuple[str, ...] = (),
) -> Task:  # fmt: skip
    """Return the task of predicting the label from `inputs`, one entry for each row.

    `read` says what became of the `columns` that these were read from.
    """
    split = split_of(found, reading)
    groups = list(found.groups) if (found.groups != "").any() else None
    every = Examples(inputs, found.target.labels, list(found.ids), groups=groups, kind=kind, columns=channels or None)
    parts = (*found.columns, *parts_of(reading), *read)
    known = {*columns, *(each.name for each in parts)}
    rest = [
        InferredColumn(name, "", "dropped: not for this model") for name in rows.table.column_names if name not in known
    ]
    model = suited(every.shape, len(found.target.classes) or 1, kind=kind)
    recipe = convolution_recipe(int(split.train.sum()))
    return task_of(rows, reading, found, split, model, every[split.train], every[split.test], recipe, (*parts, *rest))
