"""Relabel suggestions by models that never saw the example: a table that can be reviewed, applied and undone.

Cross-fitted as in confident learning, Northcutt et al., 2021, arXiv:1911.00068; the threshold is our own.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import ArrayLike, NDArray

from byrote.errors import InvalidData
from byrote.evidence.tables import Row
from byrote.explain.causes import agreed_rival
from byrote.explain.neighbours import Space, space
from byrote.explain.outsiders import Outsiders, ask_outsiders
from byrote.record import Record
from byrote.record.ids import name_of, split_of


@dataclass(frozen=True)
class Suggestion:
    """What the models that never saw one example make of its label.

    `predicted_label` is what most of them say (None: nobody was asked), `agreement` their share and `models` their
    number. `label_quality` is the mean probability that they give the label as it is: 0 is surely wrong, 1 surely
    right, NaN where nobody was asked. `is_label_issue` says what the cause "label suspect" does: enough of them agree on
    another label, and the example would be no outlier there (where inputs were kept).
    """

    position: int
    id: str
    given_label: int
    predicted_label: int | None
    is_label_issue: bool
    label_quality: float
    agreement: float
    models: int


def suggestions(
    record: Record, positions: Int[ndarray, " query"] | None = None, *, points: Space | None = None
) -> list[Suggestion]:
    """Return a suggestion for every real training example, or for those at `positions`, lowest label quality first.

    Only runs that did not train on an example speak about it: of test examples, all. Without recorded losses, the label
    quality is the share of these runs that give the label. `points` may be passed when they are at hand. It misleads
    where models that never saw an example are wrong together, as about a rare kind. Look before you apply. Raises
    MissingEvidence when nobody was asked about any of them.
    """
    population = record.population
    asked = np.flatnonzero(population.where("train")) if positions is None else positions
    if not len(asked):
        return []
    outsiders = ask_outsiders(record, asked, record.runs)
    quality = _label_quality(record, asked, outsiders)
    rivals = [agreed_rival(int(label), said) for label, said in zip(population.labels[asked], outsiders, strict=True)]
    issue = np.array([rival is not None for rival in rivals])
    if issue.any():
        points = points or space(population)
        others = np.array([rival for rival in rivals if rival is not None])
        issue[issue] = ~(points.distance_to(asked[issue], others) > 1)
    found = [
        _suggest(int(at), str(population.ids[at]), int(population.labels[at]), said, float(sure), bool(doubted))
        for at, said, sure, doubted in zip(asked, outsiders, quality, issue, strict=True)
    ]
    return [found[i] for i in np.argsort(quality, kind="stable")]


def suggestion_rows(record: Record, found: Sequence[Suggestion]) -> list[Row]:
    """Return the rows of the table; the columns that cleanlab has are called and coded as there."""
    names = record.classes
    return [
        {
            "example": each.id,
            "is_label_issue": each.is_label_issue,
            "label_quality": None if np.isnan(each.label_quality) else each.label_quality,
            "given_label": each.given_label,
            "predicted_label": each.predicted_label,
            "agreement": None if np.isnan(each.agreement) else each.agreement,
            "models": each.models,
            "given_class": names[each.given_label],
            "predicted_class": None if each.predicted_label is None else names[each.predicted_label],
        }
        for each in found
    ]


def as_fiftyone(record: Record, found: Sequence[Suggestion]) -> str:
    """Return JSON with the fields of FiftyOne's samples: ground_truth, predictions, mistakenness (1: surely wrong).

    The mistakenness is FiftyOne's, of the agreement c: (1 + c) / 2 where the prediction differs from the label, else
    (1 - c) / 2. Examples that nobody was asked about are left out.
    """
    names = record.classes
    return (
        json.dumps(
            [
                {
                    "id": each.id,
                    "ground_truth": {"_cls": "Classification", "label": names[each.given_label]},
                    "predictions": {
                        "_cls": "Classification",
                        "label": names[each.predicted_label],
                        "confidence": each.agreement,
                    },
                    "mistakenness": (1 + each.agreement * (1 if each.predicted_label != each.given_label else -1)) / 2,
                    "is_label_issue": each.is_label_issue,
                    "label_quality": each.label_quality,
                }
                for each in found
                if each.predicted_label is not None
            ],
            indent=2,
        )
        + "\n"
    )


@dataclass(frozen=True)
class IssueCheck:
    """What the rule says of labels whose truth is known: those of canaries.

    `found` of `wrong` planted wrong labels are called issues, `proposed` of these with the label from before, and
    `accused` of `right` ordinary canaries are called issues too. All are 0 where no canaries were planted. Some
    labels of the data may have been wrong before: then `accused` counts them against the rule.
    """

    wrong: int
    found: int
    proposed: int
    right: int
    accused: int


def check_issues(record: Record, *, points: Space | None = None) -> IssueCheck:
    """Return how many of the planted wrong labels are called issues, and how many of the ordinary canaries.

    `points` may be passed when they are at hand.
    """
    population = record.population
    points = points or space(population)
    wrong, right = (
        suggestions(record, np.flatnonzero(population.canary == kind), points=points)
        for kind in ("mislabeled", "ordinary")
    )
    issues = [each for each in wrong if each.is_label_issue]
    return IssueCheck(
        wrong=len(wrong),
        found=len(issues),
        proposed=sum(each.predicted_label == int(population.true_label[each.position]) for each in issues),
        right=len(right),
        accused=sum(each.is_label_issue for each in right),
    )


def apply_labels(labels: ArrayLike, ids: Sequence[object], path: Path | str, *, split: str = "train") -> NDArray[Any]:
    """Return a copy of the labels in which every label issue of the CSV file at `path` has its predicted label.

    `ids` are those of the examples, as the task has them. Rows whose `is_label_issue` is not True are left alone, so a
    review is done by setting it to False; a `predicted_label` may be corrected too. Rows of the other split are
    passed over. Raises InvalidData, and changes nothing, when an id is unknown or a label is not the one that the
    file was made for.
    """
    return _exchange(labels, ids, path, split, old="given_label", new="predicted_label")


def undo_labels(labels: ArrayLike, ids: Sequence[object], path: Path | str, *, split: str = "train") -> NDArray[Any]:
    """Return a copy of the labels as they were before `apply_labels` with the same file; refused where it was not applied."""
    return _exchange(labels, ids, path, split, old="predicted_label", new="given_label")


def _suggest(at: int, name: str, label: int, said: Outsiders, quality: float, issue: bool) -> Suggestion:
    rival = said.rival(label)
    other = rival is not None and said.counts[rival] > said.counts[label]
    first = (rival if other else label) if said.models else None
    share = float("nan") if first is None else said.share(first)
    return Suggestion(at, name, label, first, issue, quality, share, said.models)


def _label_quality(
    record: Record, positions: Int[ndarray, " query"], outsiders: Sequence[Outsiders]
) -> Float[ndarray, " query"]:
    total, count = np.zeros(len(positions)), np.zeros(len(positions))
    for run in record.runs:
        loss = record.at_step(run, "loss", record.last_step)[positions].astype(np.float64)
        heard = ~record.member(run)[positions] & ~np.isnan(loss)
        total[heard] += np.exp(-loss[heard])
        count += heard
    labels = record.population.labels[positions]
    votes = np.array([said.share(int(label)) for said, label in zip(outsiders, labels, strict=True)])
    return np.where(count > 0, total / np.maximum(count, 1), votes)


def _exchange(
    labels: ArrayLike, ids: Sequence[object], path: Path | str, split: str, *, old: str, new: str
) -> NDArray[Any]:
    changed = np.array(labels)
    where = {str(name): at for at, name in enumerate(ids)}
    if changed.shape != (len(where),):
        raise InvalidData(
            f"There are {len(where)} different ids but labels of shape {changed.shape}. Give one id to each."
        )
    done: set[int] = set()
    for line, name, before, after in _issues(path, split, old, new):
        if name not in where:
            raise InvalidData(
                f"{path}, line {line}, is about {name!r}, which is not among the ids. Give the ids of its task."
            )
        at = where[name]
        if at in done:
            raise InvalidData(f"{path}, line {line}, is about {name!r} once more. Leave one row for each example.")
        if changed[at] != before:
            raise InvalidData(
                f"{path}, line {line}, expects label {before} of {name!r}, but it is {changed[at]}. "
                "The file was applied (or undone) already, or is about other data."
            )
        changed[at] = after
        done.add(at)
    return changed


def _issues(path: Path | str, split: str, old: str, new: str) -> list[tuple[int, str, int, int]]:
    """Return (line, id in its split, label it must have now, label to give) of every row to be applied."""
    found: list[tuple[int, str, int, int]] = []
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        lacking = {"example", "is_label_issue", old, new} - set(reader.fieldnames or ())
        if lacking:
            raise InvalidData(
                f"{path} lacks the columns {', '.join(sorted(lacking))}. Give a CSV file of suggested labels."
            )
        for row in reader:
            of = split_of(row["example"])
            if row["is_label_issue"].strip().lower() not in ("true", "1") or (of and of != split):
                continue
            try:
                before, after = int(row[old]), int(row[new])
            except ValueError:
                raise InvalidData(
                    f"{path}, line {reader.line_num}, has labels {row[old]!r} and {row[new]!r}. Labels are whole numbers."
                ) from None
            found.append((reader.line_num, name_of(row["example"]) if of else row["example"], before, after))
    return found
