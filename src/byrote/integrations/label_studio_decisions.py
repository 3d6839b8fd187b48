"""Decisions that people took in Label Studio, from its JSON export to the files that `relabel` and `drop` take."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from byrote.errors import InvalidData
from byrote.evidence.tables import as_csv
from byrote.explain.issue_table import DECIDED, decided_row
from byrote.integrations.label_studio import DECISION, LABEL, LEAVE_OUT
from byrote.record import Record
from byrote.record.storage import Place, exists, place, read_bytes, replacing
from byrote.task.apply_labels import is_true

Answer = tuple[str | None, bool]
"""The class that was chosen (None: none was), and whether the example is to be left out."""

RELABEL, DROP = "relabel.csv", "drop.csv"


@dataclass(frozen=True)
class Decisions:
    """What was decided, by ids of the record, in the order of the file.

    `labels` has the chosen class of each example that is not left out, the given one where the label is right; `left_out` are
    the others. `undecided` were answered by nobody, or differently by several people, and `unknown` with a class that the
    record does not have, by example: both are in no file.
    """

    labels: Mapping[str, int]
    left_out: tuple[str, ...]
    undecided: tuple[str, ...]
    unknown: Mapping[str, str]


@dataclass(frozen=True)
class Written:
    """What `write_decisions` did: its files, and how many examples got a decision that was `new`, `changed` or the `same`.

    `withdrawn` are earlier decisions about examples that now have none, which leave the files; `kept` are those about other
    examples, which stay.
    """

    paths: tuple[Place, Place]
    new: int
    changed: int
    same: int
    withdrawn: int
    kept: int


def read_decisions(record: Record, path: Path | str) -> Decisions:
    """Return the decisions in a JSON export of Label Studio for the tasks that `label_studio.export` wrote.

    Skipped annotations count as no answer. Raises InvalidData for another file, and for an example that is not in the record.
    """
    classes = {name: at for at, name in enumerate(record.classes)}
    known = set(record.population.ids.tolist())
    answers: dict[str, list[Answer]] = {}
    for task in _tasks(path):
        name = task["data"].get("example_id")
        if name not in known:
            raise InvalidData(f"{path} has a task about {name!r}, which is no example of {record.directory}. Give the record that the tasks were exported from.")  # fmt: skip
        given = answers.setdefault(str(name), [])
        for annotation in task["annotations"]:
            if not annotation.get("was_cancelled"):
                given.append(_answer(annotation.get("result")))
    strange = {
        name: label
        for name, given in answers.items()
        for label, out in given
        if not out and label and label not in classes
    }
    decided = {name: given[0] for name, given in answers.items() if name not in strange and _agreed(given)}
    return Decisions(
        labels={name: classes[label] for name, (label, out) in decided.items() if label is not None and not out},
        left_out=tuple(name for name, (_, out) in decided.items() if out),
        undecided=tuple(name for name in answers if name not in decided and name not in strange),
        unknown=strange,
    )


def write_decisions(record: Record, found: Decisions, directory: Path | str) -> Written:
    """Write relabel.csv, for `byrote.controls.relabel` and `apply_labels`, and drop.csv, for `byrote.controls.drop`.

    In relabel.csv a label that was found right has a row too, which changes nothing. Decisions about other examples that
    were written there before stay; those about the same examples are replaced, or withdrawn where they have no answer now.
    Both files are written, or neither. Raises
    InvalidData where either file was not written so, and for the folder of the record that `byrote view` writes.
    """
    folder = place(directory)
    if (
        isinstance(folder, Path)
        and isinstance(record.directory, Path)
        and folder.resolve() == (record.directory / "decisions").resolve()
    ):
        raise InvalidData(
            f"{folder} is where `byrote view` writes the decisions of this audit, and replaces what is there. Give another folder."
        )
    paths = folder / RELABEL, folder / DROP
    earlier = _earlier(record, *paths)
    now: dict[str, int | None] = {**found.labels, **dict.fromkeys(found.left_out)}
    open_now = {*found.undecided, *found.unknown}
    withdrawn = earlier.keys() & open_now
    whole = {**{name: label for name, label in earlier.items() if name not in open_now}, **now}
    given = dict(zip(record.population.ids.tolist(), record.population.labels.tolist(), strict=True))
    rows = [decided_row(name, given[name], label, record.classes) for name, label in whole.items() if label is not None]
    dropped = [{"example": name} for name, label in whole.items() if label is None]
    with replacing(paths[0]) as relabelled, replacing(paths[1]) as left_out:
        relabelled.write_text(as_csv(rows) if rows else ",".join(DECIDED) + "\n", encoding="utf-8")
        left_out.write_text(as_csv(dropped) if dropped else "example\n", encoding="utf-8")
    new = sum(name not in earlier for name in now)
    same = sum(name in earlier and earlier[name] == label for name, label in now.items())
    return Written(
        paths, new, len(now) - new - same, same, len(withdrawn), len(earlier.keys() - now.keys() - withdrawn)
    )


def has_earlier(record: Record, directory: Path | str) -> bool:
    """Return whether decisions about this record were written there before. Raises InvalidData as `write_decisions` does."""
    folder = place(directory)
    return bool(_earlier(record, folder / RELABEL, folder / DROP))


def _earlier(record: Record, relabelled: Place, left_out: Place) -> dict[str, int | None]:
    """Return the decisions that earlier calls wrote: the class of each example, None for one that is left out."""
    classes, known = range(len(record.classes)), set(record.population.ids.tolist())
    found: dict[str, int | None] = {}
    for path, columns in ((relabelled, list(DECIDED)), (left_out, ["example"])):
        if not exists(path):
            continue
        try:
            reader = csv.DictReader(io.StringIO(read_bytes(path).decode(), newline=""))
            rows = list(reader)
            fine = list(reader.fieldnames or ()) == columns and all(row["example"] in known for row in rows)
            labels = [_label(row, path) if len(columns) > 1 else None for row in rows]
        except (OSError, ValueError, TypeError, csv.Error):
            fine, rows, labels = False, [], []
        if not fine or any(label is not None and label not in classes for label in labels):
            raise InvalidData(
                f"{path} was not written by `byrote import` about this audit, so it is not replaced. Give another folder."
            )
        found.update(zip((row["example"] for row in rows), labels, strict=True))
    return found


def _label(row: Mapping[str, str], path: Place) -> int:
    """Return the label that a row gives: that of the data where it is no issue, or was set to be none."""
    applies = is_true(row["is_label_issue"], str(path), 0, "is_label_issue")
    return int(row["predicted_label" if applies else "given_label"])


def _tasks(path: Path | str) -> list[dict[str, Any]]:
    """Return the tasks of an export; raise InvalidData for what is none."""
    try:
        found: Any = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidData(f"{path} cannot be read as JSON ({type(error).__name__}). Give what Label Studio exports as JSON.") from None  # fmt: skip
    tasks = cast("list[Any]", found) if isinstance(found, list) else [found]
    if not all(map(_is_task, tasks)):
        raise InvalidData(f"{path} is no export of Label Studio with tasks that have `data` and `annotations`. Export as JSON, not as JSON-MIN or CSV.")  # fmt: skip
    return tasks


def _is_task(task: Any) -> bool:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        return False
    annotations = task.get("annotations")
    return isinstance(annotations, list) and all(isinstance(each, dict) for each in annotations)


def _answer(result: Any) -> Answer:
    label, out = None, False
    for region in cast("list[Any]", result) if isinstance(result, list) else []:
        question, chosen = _chosen(region)
        if question == DECISION:
            out = out or LEAVE_OUT in chosen
        elif question == LABEL and chosen:
            label = chosen[0]
    return label, out


def _chosen(region: Any) -> tuple[str, list[str]]:
    """Return the name of a question and the choices that were made."""
    value: Any = region.get("value") if isinstance(region, dict) else None
    choices: Any = value.get("choices") if isinstance(value, dict) else None
    return str(region["from_name"]) if choices and "from_name" in region else "", [str(each) for each in choices or ()]


def _agreed(given: list[Answer]) -> bool:
    """Whether there is an answer, and all are the same; the label of an example that is left out does not matter."""
    kinds = {(None, True) if out else (label, False) for label, out in given}
    return len(kinds) == 1 and kinds != {(None, False)}
