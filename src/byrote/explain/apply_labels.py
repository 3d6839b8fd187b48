"""Apply reviewed suggestions from a CSV file to the labels, or the targets, of a task, and undo that."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byrote.errors import InvalidData
from byrote.record.ids import name_of, split_of


def apply_labels(labels: ArrayLike, ids: Sequence[object], path: Path | str, *, split: str = "train") -> NDArray[Any]:
    """Return a copy of the labels in which every label issue of the CSV file at `path` has its predicted label.

    `ids` are those of the examples, as the task has them. Rows whose `is_label_issue` is not True are left alone, so a
    review is done by setting it to False; a `predicted_label` may be corrected too. Rows of the other split are
    skipped. The file of a regression has `is_target_issue`, `given_target` and `predicted_target` instead (numbered, where
    there are several targets); `labels` are then the targets, and the copy is floating-point. An issue is of a
    whole row: with several targets, set `predicted_target_i` to the given value where that target is right. Raises
    InvalidData, and changes nothing, when an id is unknown or a label differs from the one in the file.
    """
    return _exchange(labels, ids, path, split, old="given", new="predicted")


def undo_labels(labels: ArrayLike, ids: Sequence[object], path: Path | str, *, split: str = "train") -> NDArray[Any]:
    """Return a copy of the labels as they were before `apply_labels` with the same file; refused where it was not applied."""
    return _exchange(labels, ids, path, split, old="predicted", new="given")


@dataclass(frozen=True)
class _Issue:
    """A row to be applied: its line, the id in its split, what the example must have now, and what it gets."""

    line: int
    name: str
    before: tuple[float, ...]
    after: tuple[float, ...]


def _exchange(
    labels: ArrayLike, ids: Sequence[object], path: Path | str, split: str, *, old: str, new: str
) -> NDArray[Any]:
    kind, issues = _read(path, split, old, new)
    changed = np.array(labels)
    where = {str(name): at for at, name in enumerate(ids)}
    shapes = (1,) if kind == "label" else (1, 2)
    if changed.ndim not in shapes or len(changed) != len(where):
        raise InvalidData(
            f"There are {len(where)} different ids but {kind}s of shape {changed.shape}. Give one id to each {kind}."
        )
    if kind == "target" and changed.dtype.kind != "f":
        changed = changed.astype(np.float64)
    several = changed.shape[1] if changed.ndim == 2 else 1
    done: set[int] = set()
    for each in issues:
        line, name = each.line, each.name
        if name not in where:
            raise InvalidData(
                f"{path}, line {line}, is about {name!r}, which is not among the ids. Give the ids of the task that the file was made for."
            )
        at = where[name]
        if at in done:
            raise InvalidData(f"{path}, line {line}, is a second row for {name!r}. Keep one row for each example.")
        if len(each.before) != several:
            raise InvalidData(
                f"{path} has {len(each.before)} targets for each example, and there are {several}. Give the targets of the task that the file was made for."
            )
        if not np.array_equal(_as_recorded(changed[at], kind), _as_recorded(each.before, kind)):
            raise InvalidData(
                f"{path}, line {line}, expects {kind} {_text(each.before)} of {name!r}, but it is {changed[at]}. "
                "The file was applied (or undone) already, or is about other data."
            )
        changed[at] = each.after if changed.ndim == 2 else each.after[0]
        done.add(at)
    return changed


def _as_recorded(values: Any, kind: str) -> NDArray[Any]:
    """Return values as a record keeps them: targets are float32 there, whatever they are in the task."""
    return np.atleast_1d(np.asarray(values, np.float32 if kind == "target" else None))


def _text(values: tuple[float, ...]) -> str:
    return ", ".join(str(value) for value in values)


def _read(path: Path | str, split: str, old: str, new: str) -> tuple[str, list[_Issue]]:
    """Return whether the file is about a `label` or a `target`, and every row to be applied."""
    found: list[_Issue] = []
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        fields = set(reader.fieldnames or ())
        kind = "target" if "is_target_issue" in fields else "label"
        columns = [_columns(fields, f"{end}_{kind}") for end in (old, new)]
        lacking = {"example", f"is_{kind}_issue", *columns[0], *columns[1]} - fields
        if lacking:
            raise InvalidData(
                f"{path} lacks the columns {', '.join(sorted(lacking))}. Give a file made from `suggestion_rows`."
            )
        for row in reader:
            of = split_of(row["example"])
            if row[f"is_{kind}_issue"].strip().lower() not in ("true", "1") or (of and of != split):
                continue
            try:
                before, after = (tuple(_number(row[name], kind) for name in names) for names in columns)
            except ValueError:
                wrong = " and ".join(repr(row[name]) for names in columns for name in names)
                numbers = "whole numbers" if kind == "label" else "finite numbers"
                raise InvalidData(
                    f"{path}, line {reader.line_num}, has {kind}s {wrong}. {kind.capitalize()}s are {numbers}."
                ) from None
            name = name_of(row["example"]) if of else row["example"]
            found.append(_Issue(reader.line_num, name, before, after))
    return kind, found


def _columns(fields: set[str], name: str) -> list[str]:
    """Return the column of this name, or the numbered columns of several targets."""
    numbered = [f"{name}_{i}" for i in range(len(fields)) if f"{name}_{i}" in fields]
    return numbered or [name]


def _number(text: str, kind: str) -> float:
    if kind == "label":
        return int(text)
    value = float(text)
    if not np.isfinite(value):
        raise ValueError
    return value
