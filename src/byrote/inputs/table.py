"""A table as a task: which columns the model gets, as what, and a small perceptron that learns from them."""

from functools import partial

import numpy as np

from byrote.errors import InvalidData
from byrote.inputs.columns import Column
from byrote.inputs.copies import equal_rows
from byrote.inputs.features import Feature, feature_of, together
from byrote.inputs.identifiers import Judged, judge, same_as_target, says_label
from byrote.inputs.labelled import Labelled, labelled, parts_of, split_of, with_copies
from byrote.inputs.labelled_task import examples_of, in_order, task_of
from byrote.inputs.networks import perceptron_recipe, table_network
from byrote.inputs.reading import Reading
from byrote.inputs.splitting import Split
from byrote.inputs.table_rows import Rows
from byrote.task.inferred import InferredColumn
from byrote.task.task import Task

WIDE = 10_000
"""Training rows from which on layers are twice as wide."""


def table_task(rows: Rows, reading: Reading) -> Task:
    """Return the task of a table: classes or numbers from its columns. Raises InvalidData where no column is left."""
    found = labelled(rows, reading)
    columns, dropped = _columns(found, reading)
    if not columns:
        raise InvalidData(
            f"No column of {rows.source or 'the table'} is left for the model: {_listed(dropped)}. Say what a column is with --type NAME=KIND."
        )
    found = with_copies(found, *equal_rows([column for column, _ in columns]), ("different row", "different rows"))
    split = split_of(found, reading)
    features, known = _features(columns, found, split)
    every = together(features)
    count = int(split.train.sum())
    recipe = perceptron_recipe(count)
    outputs = len(found.target.classes) or 1
    size = {"width": 128} if count >= WIDE else {}
    model = partial(table_network, every.centre, every.scale, outputs, **size)
    about = f"The model is a perceptron over {len(every.names)} inputs; its recipe has {recipe.epochs} epochs in batches of {recipe.batch_size}."
    train, test = (
        examples_of(found, every.inputs, which, kind="table", columns=every.names).with_cells(every.cells)
        for which in (split.train, split.test)
    )
    read = in_order(rows, (*found.columns, *parts_of(reading), *known, *dropped))
    return task_of(rows, reading, found, split, model, train, test, recipe, read, about)


def _columns(found: Labelled, reading: Reading) -> tuple[list[tuple[Column, Judged]], list[InferredColumn]]:
    """Return the columns that the model may get, with what is odd about them, and why the others are dropped."""
    kept: list[tuple[Column, Judged]] = []
    dropped: list[InferredColumn] = []
    parts = set(reading.named.values())
    for name in found.table.column_names:
        if name in parts:
            continue
        if name in reading.drop:
            dropped.append(InferredColumn(name, "", "dropped, as given"))
            continue
        stated = reading.kind_of(name)
        column = found.column(name, stated)
        judged = judge(column)
        if judged.dropped and (stated is None or column.kind in ("empty", "other", "text") or column.distinct == 1):
            kind = "id" if "by rote" in judged.dropped else column.kind
            dropped.append(InferredColumn(name, kind, f"dropped: {judged.dropped}", column.notes))
        else:
            kept.append((column, judged))
    return kept, dropped


def _features(
    columns: list[tuple[Column, Judged]], found: Labelled, split: Split
) -> tuple[list[Feature], list[InferredColumn]]:
    features: list[Feature] = []
    read: list[InferredColumn] = []
    at = 0
    for column, judged in columns:
        if column.missing[split.train].all():
            read.append(InferredColumn(column.name, column.kind, "dropped: no training row has a value", column.notes))
            continue
        feature = feature_of(column, split.train, at)
        at += feature.inputs.shape[1]
        features.append(feature)
        notes = (*column.notes, *judged.notes, *_leak(column, found))
        read.append(InferredColumn(column.name, column.kind, feature.becomes, notes))
    return features, read


def _leak(column: Column, found: Labelled) -> tuple[str, ...]:
    """Return the warning about a column that says the label; none for others."""
    if found.target.classes:
        leaks = says_label(column, found.target.labels.astype(np.int64))
    else:
        leaks = same_as_target(column, found.target.labels.astype(np.float64))
    return (f"it says the label: if it is known only later, leave it out with --drop {column.name}",) if leaks else ()


def _listed(dropped: list[InferredColumn]) -> str:
    return (
        "; ".join(f"{each.name!r} ({each.becomes.removeprefix('dropped: ')})" for each in dropped[:5])
        or "it has no other"
    )
