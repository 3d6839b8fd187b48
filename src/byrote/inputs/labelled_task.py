"""From labelled rows, each with a picture or a series, to a task: its test set, model and recipe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.inputs.folder_task import recipe_for
from byrote.inputs.labelled import Labelled, parts_of, split_of
from byrote.inputs.reading import Reading
from byrote.inputs.table_rows import Rows
from byrote.objectives import Classification, Regression
from byrote.task.examples import Examples
from byrote.task.inferred import Inferred, InferredColumn
from byrote.task.models import suited
from byrote.task.task import Task


def some_of(found: Labelled, positions: Sequence[int]) -> Labelled:
    """Return some of the rows."""
    at = np.array(positions, np.int64)
    target = replace(found.target, labels=found.target.labels[at], there=found.target.there[at])
    return replace(found, table=found.table.take(at), target=target, ids=found.ids[at], groups=found.groups[at])


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
    return Task(
        suited(every.shape, len(found.target.classes) or 1, kind=kind),
        every[split.train],
        every[split.test],
        recipe_for(int(split.train.sum())),
        found.target.classes or (str(reading.label),),
        rows.name,
        Classification() if found.target.classes else Regression(),
        inferred=Inferred(rows.source, reading.options(), (*parts, *rest), (*found.sentences, *split.sentences)),
    )
