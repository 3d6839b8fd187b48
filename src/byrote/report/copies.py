"""Copies in the test set as plain values: what the page's script draws."""

from typing import Any

from byrote.evidence.targets import target_text
from byrote.findings.copies import Copies
from byrote.record import Record
from byrote.report.pictures import Album

CLOSEST = 8
"""Pairs on the page at most."""


def copy_items(record: Record, copies: Copies, album: Album) -> list[dict[str, Any]]:
    """Return the closest pairs of a test and a training example, in order; their pictures enter the album."""
    items: list[dict[str, Any]] = []
    for each in copies.found.examples[:CLOSEST]:
        nearest = each.duplicates[0]
        album.add(each.position)
        album.add(nearest.position)
        items.append(
            {
                "test": each.id,
                "train": nearest.id,
                "testLabel": target_text(record, each.position),
                "trainLabel": target_text(record, nearest.position),
                "distance": round(nearest.distance, 4),
                "change": nearest.change,
                "same": each.same_label,
            }
        )
    return items
