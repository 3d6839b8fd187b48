"""The gallery: the most memorized real examples with their causes and evidence, and influence pairs, as plain values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from byrote.explain import CAUSES, Dependence, Explanation, Neighbour
from byrote.membership.attacks import Exposed
from byrote.record import Record
from byrote.report.pictures import Album
from byrote.stats.estimate import Estimate

SHOWN = 200
"""Examples in the gallery at most."""

SHOWN_OF_TEST = 3
"""Nearest test examples shown of each."""


def gallery_items(record: Record, explained: Sequence[Explanation], album: Album) -> list[dict[str, Any]]:
    """Return one entry per explanation, in order; their own pictures enter the album before those of others."""
    for each in explained:
        album.add(each.position)
    return [_item(record, each, album) for each in explained]


def pair_items(record: Record, pairs: Sequence[Dependence], album: Album) -> list[dict[str, Any]]:
    """Return the pairs by name, in order."""
    ids, labels = record.population.ids, record.population.labels
    items: list[dict[str, Any]] = []
    for pair in pairs:
        album.add(pair.source)
        album.add(pair.target)
        items.append(
            {
                "train": str(ids[pair.source]),
                "test": str(ids[pair.target]),
                "trainLabel": record.classes[labels[pair.source]],
                "testLabel": record.classes[labels[pair.target]],
                "influence": _size(pair.influence),
            }
        )
    return items


def exposed_items(record: Record, exposed: Sequence[Exposed], album: Album) -> list[dict[str, Any]]:
    """Return those at risk by name and label, in order, with how often they were found and accused."""
    for each in exposed:
        album.add(each.position)
    ids, labels = record.population.ids, record.population.labels
    return [
        {
            "id": str(ids[each.position]),
            "label": record.classes[labels[each.position]],
            "found": each.in_member,
            "inside": each.in_runs,
            "accused": each.out_member,
            "outside": each.out_runs,
        }
        for each in exposed
    ]


def causes_found(explained: Sequence[Explanation]) -> list[dict[str, Any]]:
    """Return every cause with its meaning and how many examples have it, also those that none has."""
    return [
        {"name": cause, "meaning": meaning, "count": sum(each.cause == cause for each in explained)}
        for cause, meaning in CAUSES.items()
    ]


def _item(record: Record, each: Explanation, album: Album) -> dict[str, Any]:
    classes, ids, labels = record.classes, record.population.ids, record.population.labels
    for other in (*each.duplicates, *each.neighbours, *each.test_neighbours[:SHOWN_OF_TEST]):
        album.add(other.position)
    for pair in each.dependents:
        album.add(pair.target)
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
        "testNeighbours": [_neighbour(classes, other) for other in each.test_neighbours[:SHOWN_OF_TEST]],
        "duplicates": [_neighbour(classes, other) for other in each.duplicates],
        "dependents": [
            {
                "id": str(ids[pair.target]),
                "label": classes[labels[pair.target]],
                "influence": _size(pair.influence),
            }
            for pair in each.dependents
        ],
    }


def _neighbour(classes: Sequence[str], other: Neighbour) -> dict[str, Any]:
    return {
        "id": other.id,
        "label": classes[other.label],
        "distance": round(other.distance, 4),
        "change": other.change,
    }


def _size(size: Estimate) -> list[float | None]:
    return [round(float(v), 3) if np.isfinite(v) else None for v in (size.value, size.low, size.high)]
