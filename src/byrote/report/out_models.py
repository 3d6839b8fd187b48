"""What models not trained on an example predict for it, as the gallery shows it: votes for classes, or a table."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from byrote.explain import Explanation, OutLabels, OutPredictions, OutTargets, OutTexts
from byrote.explain.causes import models
from byrote.explain.target_causes import target_name
from byrote.explain.units import in_units
from byrote.objectives.regression import Regression
from byrote.record import Record
from byrote.report.numbers import percent


@dataclass(frozen=True)
class Shown:
    """The prediction in a few words, and all of it: `votes` are pairs of a class and a count; `table` has columns and rows."""

    predicted: str
    votes: list[tuple[str, int]]
    table: dict[str, Any] | None


def show_out_models(record: Record, each: Explanation) -> Shown:
    """Return what OUT models predict for an example; all is empty where there is no such model."""
    found = each.out_predictions
    if not found.models:
        return Shown("", [], None)
    if isinstance(found, OutTexts):
        return Shown(f"{percent(found.token_accuracy)} of its tokens", [], None)
    if isinstance(found, OutPredictions):
        return _votes(record, found)
    return _targets(record, each, found) if isinstance(found, OutTargets) else _labels(record, each, found)


def _votes(record: Record, found: OutPredictions) -> Shown:
    counted = [(record.classes[at], count) for at, count in enumerate(found.counts) if count]
    votes = sorted(counted, key=lambda pair: -pair[1])
    return Shown(votes[0][0], votes, None)


def _targets(record: Record, each: Explanation, found: OutTargets) -> Shown:
    objective = record.objective
    assert isinstance(objective, Regression)
    rows: list[list[str]] = []
    predicted: list[str] = []
    parts = zip(each.label, found.means, found.spreads, objective.scale, strict=True)
    for at, (given, mean, spread, scale) in enumerate(parts):
        name = target_name(record.classes, at, len(each.label))
        ends = f" [{in_units(mean.low, scale)}, {in_units(mean.high, scale)}]" if np.isfinite(mean.low) else ""
        predicted.append(in_units(mean.value, scale))
        rows.append(
            [
                name,
                in_units(given, scale),
                f"{predicted[-1]}{ends}",
                in_units(spread, scale) if np.isfinite(spread) else "unknown",
            ]
        )
    columns = [
        "Target",
        "In the data",
        f"Mean prediction of {models(found.models)} [90 % interval of the mean]",
        "Standard deviation between models",
    ]
    return Shown(", ".join(predicted), [], {"columns": columns, "rows": rows})


def _labels(record: Record, each: Explanation, found: OutLabels) -> Shown:
    says = [
        (name, bool(given), right if given else found.models - right)
        for name, given, right in zip(record.classes, each.label, found.right, strict=True)
    ]
    rows = [[name, "yes" if given else "no", f"{count} of {found.models}"] for name, given, count in says]
    predicted = ", ".join(name for name, _, count in says if 2 * count > found.models) or "no label"
    return Shown(predicted, [], {"columns": ["Label", "In the data", "Predicted by"], "rows": rows})
