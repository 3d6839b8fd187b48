"""Copies in the test set, as the page shows them."""

from typing import Any

from byrote.findings.copies import Copies
from byrote.record import Record
from byrote.report.pictures import Album

CLOSEST = 8
"""Pairs on the page at most."""


def copy_items(record: Record, copies: Copies, album: Album) -> list[dict[str, Any]]:
    """Return the closest pairs by name, in order; their pictures enter the album."""
    items: list[dict[str, Any]] = []
    for each in copies.found.examples[:CLOSEST]:
        nearest = each.duplicates[0]
        album.add(each.position)
        album.add(nearest.position)
        items.append(
            {
                "test": each.id,
                "train": nearest.id,
                "testLabel": record.classes[each.label],
                "trainLabel": record.classes[nearest.label],
                "distance": round(nearest.distance, 4),
                "change": nearest.change,
                "same": each.same_label,
            }
        )
    return items
