"""Comparisons as rows of plain values: one per arm, and one per example of two audits."""

from typing import Any

import numpy as np

from byrote.experiments.compare import Comparison, Result
from byrote.experiments.compare_audits import AuditChange
from byrote.experiments.measures import MEASURES

Rows = list[dict[str, Any]]

ORDER = ("better", "less", "trade", "open", "worse")
"""Verdicts, from what a user wants to what nobody does."""


def sorted_results(comparison: Comparison) -> list[Result]:
    """Return the arms by what is sure: the unchanged task, judged ones in ORDER, then those set aside; each by memorization."""

    def key(result: Result) -> tuple[int, float]:
        rank = ORDER.index(result.judged.verdict) if result.judged else len(ORDER)
        return rank, result.levels["memorization"].value

    return [comparison.unchanged, *sorted(comparison.results[1:], key=key)]


def comparison_rows(comparison: Comparison) -> Rows:
    """Return one row per arm, as in `sorted_results`.

    Each measure has its value with its 90 % interval over runs, and after `change of` the paired difference to the unchanged
    task (of `cost` the ratio). `judged` columns have the intervals that hold for all judged arms at once.
    """
    return [_row(each) for each in sorted_results(comparison)]


def example_rows(found: AuditChange, part: slice = slice(None)) -> Rows:
    """Return one row per training example that both audits have: listed ones first, those that changed most before others.

    `part` is which of these rows are wanted.
    """
    examples = found.examples
    order: list[int] = np.lexsort((-np.abs(examples.change), ~examples.listed))[part].tolist()
    return [
        {
            "id": str(found.ids[at]),
            "label": found.labels[at] if found.labels else None,
            "before": _number(float(examples.before[at])),
            "after": _number(float(examples.after[at])),
            "change": _number(float(examples.change[at])),
            "p_value": _number(float(examples.p_value[at])),
            "listed": bool(examples.listed[at]),
            "no_longer": bool(examples.no_longer[at]),
            "newly": bool(examples.newly[at]),
        }
        for at in order
    ]


def change_rows(found: AuditChange) -> Rows:
    """Return one row per measure that both audits have: before, after, and the change with its interval."""
    return [
        {"measure": name, "before": before, "after": after, **change.cells("change")}
        for name, (before, after, change) in found.measures.items()
    ]


def _row(result: Result) -> dict[str, Any]:
    judged = result.judged
    row: dict[str, Any] = {
        "arm": result.arm,
        "directory": result.name,
        "control": result.family,
        "strength": result.strength,
        "runs": result.runs,
        "shown": judged.verdict if judged else None,
        "on front": result.on_front,
        "front share": result.front_share,
    }
    for name in ("memorization", "accuracy"):
        size = getattr(judged, name) if judged else None
        row |= {f"judged {key}": value for key, value in (size.cells(name) if size else _none(name)).items()}
    for measure in MEASURES:
        row |= result.levels[measure.name].cells(measure.name)
        row |= result.changes[measure.name].cells(f"change of {measure.name}")
    return row


def _none(name: str) -> dict[str, None]:
    return {name: None, f"{name} low": None, f"{name} high": None}


def _number(value: float) -> float | None:
    return None if value != value else float(value)
