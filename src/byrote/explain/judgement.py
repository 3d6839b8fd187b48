"""Judgement: the cause of each example by the rules of the objective, with the predictions of OUT models that it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.explain.causes import CAUSES, Cause, find_cause
from byrote.explain.label_set_causes import LABEL_SET_CAUSES, find_label_set_cause
from byrote.explain.neighbours import Neighbour, Space
from byrote.explain.out_labels import OutLabels, read_out_labels
from byrote.explain.out_predictions import OutPredictions, read_out_predictions
from byrote.explain.out_targets import OutTargets, read_out_targets
from byrote.explain.out_texts import OutTexts, read_out_texts
from byrote.explain.target_causes import TARGET_CAUSES, find_target_cause, usual_fences
from byrote.explain.text_causes import TEXT_CAUSES, find_text_cause
from byrote.objectives.regression import Regression
from byrote.record import Record

CAUSES_OF = {
    "classification": CAUSES,
    "regression": TARGET_CAUSES,
    "multilabel": LABEL_SET_CAUSES,
    "tokens": TEXT_CAUSES,
}
"""The causes of each objective, with their meaning in one line."""


@dataclass(frozen=True)
class Judgement:
    """The cause of one example and its evidence; see `Explanation` for the fields."""

    label: Any
    cause: Cause
    evidence: str
    out_predictions: OutPredictions | OutTargets | OutLabels | OutTexts
    alternative: Any
    alternative_distance: float


@dataclass(frozen=True, eq=False)
class Looks:
    """What the inputs say of several examples, one entry for each: neighbours, near-duplicates and remoteness."""

    neighbours: Sequence[tuple[Neighbour, ...]]
    duplicates: Sequence[tuple[Neighbour, ...]]
    remoteness: Float[ndarray, " query"]


def judge(record: Record, positions: Int[ndarray, " query"], points: Space, looks: Looks) -> list[Judgement]:
    """Return the judgement on each example at `positions`; raise MissingEvidence where no OUT model predicted any."""
    if not len(positions):
        return []
    match record.objective.name:
        case "classification":
            return _judge_classes(record, positions, points, looks)
        case "regression":
            return _judge_targets(record, positions, points, looks)
        case "tokens":
            return _judge_texts(record, positions, looks)
        case _:
            return _judge_label_sets(record, positions, points, looks)


def _judge_classes(record: Record, positions: Int[ndarray, " query"], points: Space, looks: Looks) -> list[Judgement]:
    predictions = read_out_predictions(record, positions, record.runs)
    labels = [int(label) for label in record.population.labels[positions]]
    alternatives = [each.alternative(label) for each, label in zip(predictions, labels, strict=True)]
    known = np.array([-1 if alternative is None else alternative for alternative in alternatives], np.int64)
    found: list[Judgement] = []
    for i, far in enumerate(points.distance_to(positions, known)):
        cause, evidence = find_cause(
            labels[i],
            predictions[i],
            looks.duplicates[i],
            float(looks.remoteness[i]),
            alternative_distance=float(far),
            neighbours=looks.neighbours[i],
            classes=record.classes,
        )
        found.append(Judgement(labels[i], cause, evidence, predictions[i], alternatives[i], float(far)))
    return found


def _judge_targets(record: Record, positions: Int[ndarray, " query"], points: Space, looks: Looks) -> list[Judgement]:
    objective, targets, table = record.objective, record.population.labels, read_out_targets(record)
    assert isinstance(objective, Regression)
    fences = usual_fences(table)
    found: list[Judgement] = []
    for i, (at, far) in enumerate(zip(positions, _outlying(positions, points), strict=True)):
        predictions = table.at(int(at))
        cause, evidence = find_target_cause(
            targets[at],
            predictions,
            fences,
            _with_difference(record, int(at), looks.duplicates[i]),
            float(looks.remoteness[i]),
            outlying=float(far),
            objective=objective,
            names=record.classes,
        )
        target = tuple(np.atleast_1d(targets[at]).tolist())
        means = tuple(each.value for each in predictions.means) if predictions.models else None
        found.append(Judgement(target, cause, evidence, predictions, means, float(far)))
    return found


def _judge_label_sets(
    record: Record, positions: Int[ndarray, " query"], points: Space, looks: Looks
) -> list[Judgement]:
    found: list[Judgement] = []
    each = zip(positions, read_out_labels(record, positions), _outlying(positions, points), strict=True)
    for i, (at, predictions, far) in enumerate(each):
        labels = record.population.labels[at]
        cause, evidence = find_label_set_cause(
            predictions,
            _with_difference(record, int(at), looks.duplicates[i]),
            float(looks.remoteness[i]),
            outlying=float(far),
            names=record.classes,
        )
        wrong = np.array([predictions.wrong_share(label) > 0.5 for label in range(len(labels))])
        majority = tuple(np.where(wrong, 1 - labels, labels).tolist()) if wrong.any() else None
        found.append(Judgement(tuple(labels.tolist()), cause, evidence, predictions, majority, float(far)))
    return found


def _judge_texts(record: Record, positions: Int[ndarray, " query"], looks: Looks) -> list[Judgement]:
    found: list[Judgement] = []
    for i, (at, said) in enumerate(zip(positions, read_out_texts(record, positions), strict=True)):
        cause, evidence = find_text_cause(said, looks.duplicates[i])
        text = tuple(record.population.labels[at].tolist())
        found.append(Judgement(text, cause, evidence, said, None, float("nan")))
    return found


def _outlying(positions: Int[ndarray, " query"], points: Space) -> Float[ndarray, " query"]:
    """Return how far each input is from the nearest training examples, where 1 is the fence beyond which it is an outlier."""
    return points.distance_to(positions, np.zeros(len(positions), np.int64))


def _with_difference(record: Record, at: int, duplicates: Sequence[Neighbour]) -> list[tuple[Neighbour, bool]]:
    """Return near-duplicates with whether their target is clearly different from that of the example."""
    labels = record.population.labels
    return [(each, bool(record.objective.unlike(labels[[each.position]], labels[at])[0])) for each in duplicates]
