"""Target suggestions of a regression: the mean prediction of models not trained on the example, with an interval."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.evidence.tables import Row
from byrote.explain.neighbours import Space, space
from byrote.explain.out_targets import read_out_targets
from byrote.explain.target_causes import fence, is_suspect
from byrote.objectives.objective import rows
from byrote.objectives.regression import Regression
from byrote.record import Record
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class TargetSuggestion:
    """What `models` models not trained on one example predict for it, compared with its target; one entry per target.

    `predicted_target` is their mean with Student's interval over these models, in the units of the target. It is an
    interval of the mean prediction: the true target may well lie outside. `distance` is that of the given target
    from it in standard deviations of the targets: 0 agrees, NaN without such a model. `is_target_issue` is the rule
    of the cause "target suspect".
    """

    position: int
    id: str
    given_target: tuple[float, ...]
    predicted_target: tuple[Estimate, ...]
    is_target_issue: bool
    distance: float
    models: int


def target_suggestions(
    record: Record, positions: Int[ndarray, " query"], *, points: Space | None = None
) -> list[TargetSuggestion]:
    """Return a suggestion for each example at `positions`, the target farthest from its prediction first.

    `points` may be passed when they are at hand. Raises MissingEvidence when no run predicted an example that
    it was not trained on.
    """
    population, table = record.population, read_out_targets(record)
    points = points or space(population)
    outlying = points.distance_to(positions, np.zeros(len(positions), np.int64))
    targets, farthest = rows(population.labels), fence(table.distances)
    found: list[TargetSuggestion] = []
    for at, out in zip(positions, outlying, strict=True):
        predictions = table.at(int(at))
        issue = is_suspect(predictions, farthest, float(out))
        given = tuple(float(str(number)) for number in targets[at])  # the shortest number that is this float32
        name, models = str(population.ids[at]), predictions.models
        found.append(TargetSuggestion(int(at), name, given, predictions.means, issue, predictions.distance, models))
    return sorted(found, key=lambda each: -each.distance if np.isfinite(each.distance) else np.inf)


def target_row(each: TargetSuggestion) -> Row:
    """Return the row of one suggestion; several targets are numbered from 0."""
    row: Row = {"example": each.id, "is_target_issue": each.is_target_issue, "distance": _known(each.distance)}
    several = len(each.given_target) > 1
    for i, (given, predicted) in enumerate(zip(each.given_target, each.predicted_target, strict=True)):
        number = f"_{i}" if several else ""
        row[f"given_target{number}"] = given
        row[f"predicted_target{number}"] = _known(predicted.value)
        row[f"predicted_low{number}"], row[f"predicted_high{number}"] = _known(predicted.low), _known(predicted.high)
    return row | {"models": each.models}


def is_nearer(record: Record, position: int, proposal: tuple[float, ...]) -> bool:
    """Whether a proposal for a mislabeled canary is nearer to its original target than its wrong target is."""
    objective, population = record.objective, record.population
    assert isinstance(objective, Regression)
    scale = np.array(objective.scale)
    true, wrong = (
        np.atleast_1d(each[position]).astype(np.float64) for each in (population.true_label, population.labels)
    )
    return bool((((np.array(proposal) - true) / scale) ** 2).sum() < (((wrong - true) / scale) ** 2).sum())


def _known(number: float) -> float | None:
    return None if np.isnan(number) else number
