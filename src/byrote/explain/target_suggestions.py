"""Target suggestions of a regression: the mean prediction of models not trained on the example, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.evidence.tables import Row
from byrote.explain.neighbours import Space, space
from byrote.explain.out_targets import read_out_targets
from byrote.explain.target_causes import suspect_targets, target_name, usual_fences
from byrote.objectives.objective import rows
from byrote.objectives.regression import Regression
from byrote.record import Record
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class TargetSuggestion:
    """What `models` models not trained on one example predict for it, compared with its targets; one entry per target.

    `predicted_target` is their mean with Student's interval over these models, in the units of the target. It is an
    interval of the mean prediction: the true target may well lie outside. `distance` is how far the given target is
    from it, in standard deviations of that target: 0 agrees, NaN without such a model. `is_target_issue` is the rule
    of the cause "target suspect", applied to each target apart.
    """

    position: int
    id: str
    given_target: tuple[float, ...]
    predicted_target: tuple[Estimate, ...]
    is_target_issue: tuple[bool, ...]
    distance: tuple[float, ...]
    models: int

    @property
    def proposal(self) -> tuple[float, ...]:
        """The targets with each suspect one replaced by its mean prediction; the others stay as they are."""
        each = zip(self.given_target, self.predicted_target, self.is_target_issue, strict=True)
        return tuple(mean.value if issue else given for given, mean, issue in each)


def target_suggestions(
    record: Record, positions: Int[ndarray, " query"], *, points: Space | None = None
) -> list[TargetSuggestion]:
    """Return a suggestion for each example at `positions`, issues first, then the target farthest from its prediction.

    `points` may be passed when they are at hand. Raises MissingEvidence when no run predicted an example that
    it was not trained on.
    """
    population, table = record.population, read_out_targets(record)
    points = points or space(population)
    outlying = points.distance_to(positions, np.zeros(len(positions), np.int64))
    targets, fences = rows(population.labels), usual_fences(table)
    found: list[TargetSuggestion] = []
    for at, out in zip(positions, outlying, strict=True):
        predictions = table.at(int(at))
        issues = suspect_targets(predictions, fences, float(out))
        given = tuple(float(str(number)) for number in targets[at])  # the shortest number that is this float32
        name, models = str(population.ids[at]), predictions.models
        found.append(TargetSuggestion(int(at), name, given, predictions.means, issues, predictions.distances, models))
    return sorted(found, key=lambda each: (not any(each.is_target_issue), -_farthest(each)))


def target_row(each: TargetSuggestion) -> Row:
    """Return the row of one suggestion; several targets are numbered from 0."""
    row: Row = {"example": each.id}
    several = len(each.given_target) > 1
    for i, (given, predicted) in enumerate(zip(each.given_target, each.predicted_target, strict=True)):
        number = f"_{i}" if several else ""
        row[f"is_target_issue{number}"], row[f"distance{number}"] = each.is_target_issue[i], _known(each.distance[i])
        row[f"given_target{number}"] = given
        row[f"predicted_target{number}"] = _known(predicted.value)
        row[f"predicted_low{number}"], row[f"predicted_high{number}"] = _known(predicted.low), _known(predicted.high)
    return row | {"models": each.models}


def suspect_rows(each: TargetSuggestion, names: Sequence[str]) -> list[Row]:
    """Return one row for each suspect target of a suggestion, with the name of the target where there are several."""
    several = len(each.given_target)
    return [
        {"example": each.id}
        | ({"target": target_name(names, i, several)} if several > 1 else {})
        | {
            "given_target": each.given_target[i],
            "predicted_target": _known(each.predicted_target[i].value),
            "predicted_low": _known(each.predicted_target[i].low),
            "predicted_high": _known(each.predicted_target[i].high),
            "distance": _known(each.distance[i]),
            "models": each.models,
        }
        for i, issue in enumerate(each.is_target_issue)
        if issue
    ]


def is_nearer(record: Record, position: int, proposal: tuple[float, ...]) -> bool:
    """Whether a proposal for a mislabeled canary is nearer to its original target than its wrong target is."""
    objective, population = record.objective, record.population
    assert isinstance(objective, Regression)
    scale = np.array(objective.scale)
    true, wrong = (
        np.atleast_1d(each[position]).astype(np.float64) for each in (population.true_label, population.labels)
    )
    return bool((((np.array(proposal) - true) / scale) ** 2).sum() < (((wrong - true) / scale) ** 2).sum())


def _farthest(each: TargetSuggestion) -> float:
    return max((distance for distance in each.distance if np.isfinite(distance)), default=-np.inf)


def _known(number: float) -> float | None:
    return None if np.isnan(number) else number
