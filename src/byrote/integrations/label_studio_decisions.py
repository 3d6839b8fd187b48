"""Decisions that people took in Label Studio, from its JSON export to the files that `relabel` and `drop` take."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from byrote.errors import InvalidData, unknown
from byrote.evidence.tables import Row, as_csv
from byrote.integrations.label_studio import DECISION, LABEL, LEAVE_OUT
from byrote.record import Record
from byrote.record.storage import place, replacing

Answer = tuple[int | None, bool]
"""The class that was chosen (None: none was), and whether the example is to be left out."""


@dataclass(frozen=True)
class Decisions:
    """What was decided, by ids of the record, in the order of the file.

    `labels` has the chosen class of each example that is not left out, the given one where the label is right; `left_out` are
    the others. `undecided` were answered by nobody, or differently by several people: they are in no file.
    """

    labels: Mapping[str, int]
    left_out: tuple[str, ...]
    undecided: tuple[str, ...]


def read_decisions(record: Record, path: Path | str) -> Decisions:
    """Return the decisions in a JSON export of Label Studio for the tasks that `label_studio.export` wrote.

    Skipped annotations count as no answer. Raises InvalidData for another file, an example that is not in the record,
    and a choice that is none of its classes.
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
                given.append(_answer(annotation.get("result"), classes))
    decided = {name: given[0] for name, given in answers.items() if _agreed(given)}
    return Decisions(
        labels={name: at for name, (at, out) in decided.items() if at is not None and not out},
        left_out=tuple(name for name, (_, out) in decided.items() if out),
        undecided=tuple(name for name in answers if name not in decided),
    )


def write_decisions(record: Record, found: Decisions, directory: Path | str) -> tuple[str, str]:
    """Write relabel.csv, for `byrote.controls.relabel` and `apply_labels`, and drop.csv, for `byrote.controls.drop`.

    Return both paths. In relabel.csv a label that was found right has a row too, which changes nothing.
    """
    population, names = record.population, record.classes
    given = dict(zip(population.ids.tolist(), population.labels.tolist(), strict=True))
    rows: list[Row] = [
        {
            "example": name,
            "is_label_issue": label != given[name],
            "is_beyond_noise": label != given[name],
            "given_label": given[name],
            "predicted_label": label,
            "given_class": names[given[name]],
            "predicted_class": names[label],
        }
        for name, label in found.labels.items()
    ]
    head = "example,is_label_issue,is_beyond_noise,given_label,predicted_label,given_class,predicted_class\n"
    dropped = as_csv([{"example": name} for name in found.left_out]) if found.left_out else "example\n"
    texts = {"relabel.csv": as_csv(rows) if rows else head, "drop.csv": dropped}
    for name, text in texts.items():
        with replacing(place(directory) / name) as aside:
            aside.write_text(text, encoding="utf-8")
    first, second = (str(place(directory) / name) for name in texts)
    return first, second


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


def _answer(result: Any, classes: Mapping[str, int]) -> Answer:
    label, out = None, False
    for region in cast("list[Any]", result) if isinstance(result, list) else []:
        question, chosen = _chosen(region)
        if question == DECISION:
            out = out or LEAVE_OUT in chosen
        elif question == LABEL and chosen:
            if chosen[0] not in classes:
                raise InvalidData(str(unknown("class", chosen[0], classes)))
            label = classes[chosen[0]]
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
