"""Apply reviewed suggestions from a CSV file to the labels, or the targets, of a task, and undo that."""

import csv
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byrote.errors import InvalidData
from byrote.record.ids import name_of, split_of


def apply_labels(labels: ArrayLike, ids: Sequence[object], path: Path | str, *, split: str = "train") -> NDArray[Any]:
    """Return a copy of the labels in which every label issue beyond the noise of the CSV file at `path` has its predicted label.

    `ids` are those of the examples, as the task has them. Rows are changed whose `is_label_issue` is True and whose
    `is_beyond_noise` is not False: where inputs do not determine labels, many issues are no errors, and only those of the list
    at a false-discovery rate of 10 % are changed. A warning says how many issues are left. A review is done by setting
    `is_label_issue` to False, or `is_beyond_noise` to True for an issue that was looked at; a `predicted_label` may be
    corrected too. Rows of the other split are skipped. The file has commas between its columns and all digits of its
    numbers. In a file without `is_beyond_noise`, and where it is empty because noise
    is not known, every issue is changed. The file of a regression has `is_target_issue`, `given_target` and `predicted_target`
    instead; `labels` are then the targets, and the copy is floating-point. With several targets these columns are numbered, and
    only the targets that are issues themselves are replaced. Raises InvalidData, and changes nothing, when an id is unknown or
    a label differs from the one in the file.
    """
    changed, left = _exchange(labels, ids, path, split, undo=False)
    if left:
        warnings.warn(
            f"{left} label issues of {path} are no more than noise in the data explains, and were left as they are. "
            "Set is_beyond_noise to True for those that you looked at and that are wrong.",
            stacklevel=2,
        )
    return changed


def undo_labels(labels: ArrayLike, ids: Sequence[object], path: Path | str, *, split: str = "train") -> NDArray[Any]:
    """Return a copy of the labels as they were before `apply_labels` with the same file; refused where it was not applied.

    Targets come back as the file has them: float32 as in the record, about seven digits. Keep your own where you need more.
    """
    return _exchange(labels, ids, path, split, undo=True)[0]


def count_fixes(path: Path | str, *, split: str) -> int:
    """Return how many rows `apply_labels` would apply to this split. Raises InvalidData for a file of another form."""
    return len(_read(path, split, undo=False)[1])


@dataclass(frozen=True)
class _Issue:
    """A row to be applied: its line, the id in its split, what the example must have now, and what it gets.

    `written` is what it must have as it stands in the file. `chosen` are the places of the targets that are issues.
    """

    line: int
    name: str
    before: tuple[float, ...]
    written: tuple[str, ...]
    after: tuple[float, ...]
    chosen: tuple[int, ...]


def _exchange(
    labels: ArrayLike, ids: Sequence[object], path: Path | str, split: str, *, undo: bool
) -> tuple[NDArray[Any], int]:
    """Return the changed labels, and how many label issues noise explains, which are left."""
    kind, issues, left = _read(path, split, undo=undo)
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
    unknown = [each for each in issues if each.name not in where]
    if unknown:
        raise InvalidData(
            f"{len(unknown)} of {len(issues)} rows to be applied are about no known example: {path}, line {unknown[0].line}, is about {unknown[0].name!r}, which is not among the ids. {_which_ids(where, split)}"
        )
    done: set[int] = set()
    for each in issues:
        line, name = each.line, each.name
        at = where[name]
        if at in done:
            raise InvalidData(f"{path}, line {line}, is a second row for {name!r}. Keep one row for each example.")
        if len(each.before) != several:
            raise InvalidData(
                f"{path} has {len(each.before)} targets for each example, and there are {several}. Give the targets of the task that the file was made for."
            )
        if not np.array_equal(_as_recorded(changed[at], kind), _as_recorded(each.before, kind)):
            raise InvalidData(
                f"{path}, line {line}, expects {kind} {', '.join(each.written)} of {name!r}, but it is {changed[at]}. {_why_other(each, changed[at], kind)}"
            )
        row = changed.reshape(len(changed), several)[at]  # a view
        row[list(each.chosen)] = [each.after[i] for i in each.chosen]
        done.add(at)
    return changed, left


def _as_recorded(values: Any, kind: str) -> NDArray[Any]:
    """Return values as a record keeps them: targets are float32 there, whatever they are in the task."""
    return np.atleast_1d(np.asarray(values, np.float32 if kind == "target" else None))


def _which_ids(known: Collection[str], split: str) -> str:
    """Say which ids are needed, and that those of a record begin with their split."""
    prefixed = sum(name.startswith(f"{split}/") for name in known)
    if not prefixed:
        return "Give the ids of the task that the file was made for."
    return f"{prefixed} of the {len(known)} ids that were given begin with '{split}/', as in a record. Give those of the task, which do not: name.removeprefix('{split}/')."


def _why_other(each: _Issue, own: Any, kind: str) -> str:
    """Say why an example does not have what the file expects."""
    now = np.atleast_1d(own).tolist()
    is_done = np.array_equal(_as_recorded(now, kind), _as_recorded(each.after, kind))
    if kind == "target" and not is_done and all(map(_is_rounded, each.written, now)):
        return "The file has fewer digits than the data: it was rounded when it was saved. Save it with all digits, or let it be written again."
    return "The file was applied (or undone) already, or is about other data."


def _is_rounded(text: str, own: float) -> bool:
    """Whether a number as it is written is the own one, or the own one with fewer digits."""
    mantissa, _, exponent = text.strip().lower().partition("e")
    last = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(float(text) - own) <= 0.5001 * last


def _read(path: Path | str, split: str, *, undo: bool) -> tuple[str, list[_Issue], int]:
    """Return whether the file is about a `label` or a `target`, every row to be applied, and how many issues noise explains."""
    found: list[_Issue] = []
    left = 0
    with open(path, newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark before the first column
        reader = csv.DictReader(file)
        fields = set(reader.fieldnames or ())
        _check_separator(path, reader.fieldnames or ())
        kind = "target" if fields & {"is_target_issue", "is_target_issue_0"} else "label"
        issues, given, predicted = (
            _columns(fields, name) for name in (f"is_{kind}_issue", f"given_{kind}", f"predicted_{kind}")
        )
        lacking = {"example", *issues, *given, *predicted} - fields
        if not lacking and not len(issues) == len(given) == len(predicted):
            raise InvalidData(
                f"{path} has {len(issues)} is_{kind}_issue, {len(given)} given_{kind} and {len(predicted)} predicted_{kind} columns. Give a file made from `suggestion_rows`."
            )
        if lacking:
            raise InvalidData(
                f"{path} lacks the columns {', '.join(sorted(lacking))}. Give a file made from `suggestion_rows`."
            )
        for row in reader:
            of = split_of(row["example"])
            chosen = tuple(i for i, name in enumerate(issues) if is_true(row[name], path, reader.line_num, name))
            if not chosen or (of and of != split):
                continue
            beyond = row.get("is_beyond_noise")
            if kind == "label" and beyond and not is_true(beyond, path, reader.line_num, "is_beyond_noise"):
                left += 1
                continue
            # A target that is no issue must be as given, before and after.
            names = list(given), [predicted[i] if i in chosen else given[i] for i in range(len(given))]
            try:
                as_given, as_proposed = (tuple(_number(row[name], kind) for name in each) for each in names)
            except ValueError:
                wrong = " and ".join(repr(row[name]) for each in names for name in each)
                numbers = "whole numbers" if kind == "label" else "finite numbers"
                comma = " with a point, not a comma" if kind == "target" and "," in wrong else ""
                raise InvalidData(
                    f"{path}, line {reader.line_num}, has {kind}s {wrong}. {kind.capitalize()}s are {numbers}{comma}."
                ) from None
            name = name_of(row["example"]) if of else row["example"]
            before, after = (as_proposed, as_given) if undo else (as_given, as_proposed)
            written = tuple(row[each] for each in names[undo])
            found.append(_Issue(reader.line_num, name, before, written, after, chosen))
    return kind, found, left


def _check_separator(path: Path | str, fields: Sequence[str]) -> None:
    """Raise InvalidData for a file that has another separator than commas, as spreadsheets write in some languages."""
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(fields) == 1 and "example" in fields[0].split(separator) != [fields[0]]:
            raise InvalidData(
                f"{path} has {called} between its columns, as some spreadsheets write. Save it with commas, and numbers with a decimal point."
            )


def is_true(text: str | None, path: Path | str, line: int, column: str) -> bool:
    """Return whether a cell says yes; raise InvalidData where it says neither, since a review must not be lost in silence."""
    word = (text or "").strip().lower()
    if word in ("true", "1", "yes"):
        return True
    if word in ("false", "0", "no", ""):
        return False
    raise InvalidData(f"{path}, line {line}, has {text!r} as {column}. Write True or False.")


def _columns(fields: set[str], name: str) -> list[str]:
    """Return the column of this name, or the numbered columns of several targets."""
    numbered = [f"{name}_{i}" for i in range(len(fields)) if f"{name}_{i}" in fields]
    return numbered or [name]


def _number(text: str, kind: str) -> float:
    value = float(text)
    if not np.isfinite(value) or (kind == "label" and value != round(value)):
        raise ValueError
    return int(value) if kind == "label" else value  # 1.0 is label 1: tables with gaps write whole numbers so
