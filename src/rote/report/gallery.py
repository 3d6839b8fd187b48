"""The gallery: the most memorized real examples with their causes and evidence, and influence pairs, as plain values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rote.explain import CAUSES, Explanation, Neighbour, PairList
from rote.intervals import Estimate
from rote.record import Record
from rote.report.pictures import Album

SHOWN = 200
"""Examples in the gallery at most."""


def gallery_items(record: Record, explained: Sequence[Explanation], album: Album) -> list[dict[str, Any]]:
    """Return one entry per explanation, in order; their own pictures enter the album before those of others."""
    for each in explained:
        album.add(each.position)
    return [_item(record.classes, each, album) for each in explained]


def pair_items(record: Record, found: PairList, album: Album) -> list[dict[str, Any]]:
    """Return the pairs of a list by name, strongest first."""
    ids, labels = record.population.ids, record.population.labels
    items: list[dict[str, Any]] = []
    for pair in found.pairs:
        album.add(pair.train)
        album.add(pair.test)
        items.append(
            {
                "train": str(ids[pair.train]),
                "test": str(ids[pair.test]),
                "trainLabel": record.classes[labels[pair.train]],
                "testLabel": record.classes[labels[pair.test]],
                "influence": _size(pair.influence),
            }
        )
    return items


def causes_found(explained: Sequence[Explanation]) -> list[dict[str, Any]]:
    """Return every cause with its meaning and how many examples have it, also those that none has."""
    counts = {cause: sum(each.cause == cause for each in explained) for cause in CAUSES}
    return [{"name": cause, "meaning": CAUSES[cause], "count": count} for cause, count in counts.items()]


def _item(classes: Sequence[str], each: Explanation, album: Album) -> dict[str, Any]:
    for other in (*each.duplicates, *each.dependents, *each.neighbours[:5], *each.test_neighbours[:3]):
        album.add(other.position)
    said = sorted(
        ([classes[at], count] for at, count in enumerate(each.outsiders.counts) if count),
        key=lambda pair: -int(pair[1]),
    )
    return {
        "id": each.id,
        "label": classes[each.label],
        "cause": each.cause,
        "evidence": each.evidence,
        "memorization": _size(each.memorization),
        "outsiders": each.outsiders.models,
        "said": said,
        "rival": None if each.rival is None else classes[each.rival],
        "agreement": round(each.agreement, 3),
        "remoteness": None if np.isnan(each.remoteness) else round(each.remoteness, 3),
        "neighbours": [_neighbour(classes, other) for other in each.neighbours],
        "testNeighbours": [_neighbour(classes, other) for other in each.test_neighbours[:3]],
        "duplicates": [_neighbour(classes, other) for other in each.duplicates],
        "dependents": [
            {"id": other.id, "label": classes[other.label], "influence": _size(other.influence)}
            for other in each.dependents
        ],
    }


def _neighbour(classes: Sequence[str], other: Neighbour) -> dict[str, Any]:
    return {"id": other.id, "label": classes[other.label], "distance": round(other.distance, 4)}


def _size(size: Estimate) -> list[float | None]:
    return [round(float(v), 3) if np.isfinite(v) else None for v in (size.value, size.low, size.high)]
