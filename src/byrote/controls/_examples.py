"""What controls of the training examples share: they suit any model, and name examples by their ids."""

import csv
import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from byrote.controls.control import Control
from byrote.errors import InvalidData
from byrote.task.apply_labels import is_true
from byrote.task.task import Task

logger = logging.getLogger("byrote")

ISSUES = re.compile(r"is_label_issue|is_target_issue(_[0-9]+)?")
"""Columns that say of every example whether its label, or one of its targets, is an issue: only issues are meant then."""

COLUMNS = ("example", "id")
"""Columns of a CSV file that hold ids."""

TRAIN = "train/"
"""Before the ids of training examples in a record."""


class DataControl(Control):
    """A control that changes which examples are learned from, their labels or weights. It keeps ids, order and length."""

    def refuse_fit(self, task: Task) -> None:
        """Do nothing: a training function of the user's own gets the changed examples."""


def as_ids(control: Control, ids: object) -> str | tuple[str, ...]:
    """Return the path of a file as it is, and ids as texts; raise InvalidData for anything else."""
    if isinstance(ids, str | Path):
        return str(ids)
    if not isinstance(ids, Iterable):
        raise InvalidData(
            f"{control.name} got {ids!r} as ids. Give a list of ids, or the path of a file with one in each line."
        )
    found: NDArray[Any] = np.asarray(list(ids))
    if found.ndim != 1 or (len(found) and found.dtype.kind not in "iuUO"):
        raise InvalidData(f"{control.name} got ids of type {found.dtype} and shape {found.shape}. Give a list of ids.")
    return tuple(map(str, found.tolist()))


def named(control: Control, task: Task, ids: str | tuple[str, ...]) -> Bool[ndarray, " example"]:
    """Return which training examples have these ids, or those in a file; raise InvalidData for ids that none has."""
    where = {str(name): at for at, name in enumerate(task.train.ids)}
    found = np.zeros(len(where), np.bool_)
    unknown: list[str] = []
    wanted = read_ids(control, ids) if isinstance(ids, str) else ids
    for each in wanted:
        at = where.get(each, where.get(each.removeprefix(TRAIN)))
        if at is None:
            unknown.append(each)
        else:
            found[at] = True
    if unknown:
        raise InvalidData(
            f"{len(unknown)} of the {len(wanted)} ids that {control.name} got are of no training example of {task.name!r}, for example {unknown[0]!r}. Give ids of Task.train."
        )
    return found


def read_ids(control: Control, path: str) -> tuple[str, ...]:
    """Return the ids in a file: one in each line, or those of the column `example` or `id` of a CSV file with a header.

    Of a file with a column `is_label_issue` (or `is_target_issue`) only the issues are returned, and the log says how many.
    Raises InvalidData for a file that cannot be read, or that does not say which of its columns holds ids.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark before the first column
            lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", file.read())  # not at other separators, which an id may hold
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidData(
            f"{control.name} cannot read ids from {path!r} ({type(error).__name__}). Give the path of a text file, or a list of ids."
        ) from None
    header = next(csv.reader(lines[:1]), [])
    column = next((name for name in COLUMNS if name in header), None)
    if column is not None and "decision" in header:
        raise InvalidData(
            f"{path} holds decisions of every kind. Give {control.name} the file of one of them, such as drop.csv beside it."
        )
    if column is not None:
        return _of_table(control, path, lines, column)
    if len(header) > 1:
        raise InvalidData(
            f"{path} has the columns {', '.join(header[:8])}, and none called {' or '.join(COLUMNS)}. Name that of the ids so."
        )
    return tuple(line.strip() for line in lines if line.strip())


def _of_table(control: Control, path: str, lines: list[str], column: str) -> tuple[str, ...]:
    """Return the ids in a column: those of the issues, where other columns say which rows are issues."""
    reader = csv.DictReader(lines)
    flags = [name for name in reader.fieldnames or () if ISSUES.fullmatch(name)]
    rows: list[tuple[str, bool]] = []
    for row in reader:
        said = [
            is_true(row[name], path, reader.line_num, name) for name in flags
        ]  # each is read, so that none is wrong
        rows.append((str(row[column]), not flags or any(said)))
    chosen = tuple(name for name, is_meant in rows if is_meant)
    if flags:
        logger.warning(
            f"{control.name} takes {len(chosen)} of the {len(rows)} rows of {path}: those that are issues. The other {len(rows) - len(chosen)}, whose {flags[0]} is not True, are left alone."
        )
    return chosen


def without(control: Control, task: Task, out: Bool[ndarray, " example"]) -> Task:
    """Return the task that leaves these training examples out too; raise InvalidData when none would be left."""
    excluded = task.excluded | set(task.train.ids[out].tolist())
    if len(excluded) == len(task.train):
        raise InvalidData(f"{control.name} would leave no training example of {task.name!r}. Leave some in.")
    return replace(task, excluded=excluded)


def included(task: Task) -> Bool[ndarray, " example"]:
    """Return which training examples are not left out."""
    return ~np.isin(task.train.ids, sorted(task.excluded)) if task.excluded else np.ones(len(task.train), np.bool_)
