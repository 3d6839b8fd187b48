"""The gallery and the pairs of the page as plain values: what its script draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from byrote.evidence.evaluate import Values
from byrote.evidence.targets import target_text
from byrote.explain import CAUSES_OF, Dependence, Explanation, Neighbour
from byrote.record import Record
from byrote.report.out_models import show_out_models
from byrote.report.pictures import Album
from byrote.report.table_rows import TableRows
from byrote.stats.estimate import Estimate

SHOWN_OF_TEST = 3
"""Nearest test examples shown of each."""

ROWS_BESIDE = 3
"""Nearest training examples whose rows of a table stand beside that of an example."""


def gallery_items(
    record: Record, explained: Sequence[Explanation], values: Values, album: Album
) -> list[dict[str, Any]]:
    """Return one entry per explanation, in order, with the runs behind its value.

    Their own pictures enter the album before those of others.
    """
    for each in explained:
        album.add(each.position)
    return [_item(record, each, values, album) for each in explained]


def pair_items(record: Record, pairs: Sequence[Dependence], album: Album) -> list[dict[str, Any]]:
    """Return the pairs of a training and a test example, in order; their pictures enter the album."""
    items: list[dict[str, Any]] = []
    for pair in pairs:
        album.add(pair.source)
        album.add(pair.target)
        items.append(
            {
                "train": str(record.population.ids[pair.source]),
                "test": str(record.population.ids[pair.target]),
                "trainLabel": target_text(record, pair.source),
                "testLabel": target_text(record, pair.target),
                "influence": _size(pair.influence),
            }
        )
    return items


def causes_found(record: Record, explained: Sequence[Explanation]) -> list[dict[str, Any]]:
    """Return every cause of the objective with its meaning and how many examples have it, also those that none has."""
    return [
        {"name": cause, "meaning": meaning, "count": sum(each.cause == cause for each in explained)}
        for cause, meaning in CAUSES_OF[record.objective.name].items()
    ]


def _item(record: Record, each: Explanation, values: Values, album: Album) -> dict[str, Any]:
    for other in (*each.duplicates, *each.neighbours, *each.test_neighbours[:SHOWN_OF_TEST]):
        album.add(other.position)
    for pair in each.dependents:
        album.add(pair.target)
    shown = show_out_models(record, each)
    return {
        "id": each.id,
        "label": target_text(record, each.position),
        "cause": each.cause,
        "evidence": each.evidence,
        "memorization": _size(each.memorization),
        "runsIn": int(values.runs_in[each.position]),
        "runsOut": int(values.runs_out[each.position]),
        "outModels": each.out_predictions.models,
        "predicted": shown.predicted,
        "votes": shown.votes,
        "alternative": record.classes[each.alternative] if shown.votes and each.alternative is not None else None,
        "table": shown.table,
        "glance": (album.table.unusual(each.position) or None) if album.table else None,
        "row": _row(each, album.table) if album.table else None,
        "remoteness": None if np.isnan(each.remoteness) else round(each.remoteness, 3),
        "neighbours": _neighbours(record, each, each.neighbours),
        "testNeighbours": _neighbours(record, each, each.test_neighbours[:SHOWN_OF_TEST]),
        "duplicates": [_neighbour(record, each, other) for other in each.duplicates],
        "dependents": [
            {
                "id": str(record.population.ids[pair.target]),
                "label": target_text(record, pair.target),
                "differs": _differs(record, each.position, pair.target),
                "influence": _size(pair.influence),
            }
            for pair in each.dependents
        ],
    }


def _row(each: Explanation, table: TableRows) -> dict[str, Any]:
    """Return the example's row beside those of its nearest training examples."""
    near = each.neighbours[:ROWS_BESIDE]
    return {"others": len(near), **table.beside(each.position, [other.position for other in near])}


def _neighbours(record: Record, each: Explanation, others: Sequence[Neighbour]) -> list[dict[str, Any]]:
    """Return the neighbours; in a regression the targets of all of them are not marked: then the example is the odd one."""
    shown = [_neighbour(record, each, other) for other in others]
    if record.objective.name == "regression" and all(other["differs"] for other in shown):
        return [{**other, "differs": False} for other in shown]
    return shown


def _neighbour(record: Record, each: Explanation, other: Neighbour) -> dict[str, Any]:
    return {
        "id": other.id,
        "label": target_text(record, other.position),
        "differs": _differs(record, each.position, other.position),
        "distance": round(other.distance, 4),
        "change": other.change,
    }


def _differs(record: Record, one: int, other: int) -> bool:
    """Whether the targets of two examples are clearly different."""
    labels = record.population.labels
    return bool(record.objective.unlike(labels[[other]], labels[one])[0])


def _size(size: Estimate) -> list[float | None]:
    return [round(float(v), 3) if np.isfinite(v) else None for v in (size.value, size.low, size.high)]
