"""Copies in the test set: how many there are, what they do to the accuracy, and which copies the search finds."""

from dataclasses import dataclass

from byrote.explain.neighbours import NEAR_DUPLICATE
from byrote.findings.copies import CHANGES, Copies
from byrote.record import Record
from byrote.report.copies import copy_items
from byrote.report.pictures import Album
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class DrawnCopies:
    """The copies, the number of `closest` pairs that the script draws, and whether the examples are `pixels`.

    `near` is the share of the usual nearest-neighbour distance below which a pair is a near-duplicate, and `changes` what was
    changed in planted copies, by kind.
    """

    copies: Copies
    closest: int
    pixels: bool
    near: float
    changes: dict[str, str]


def read_copies_section(record: Record, copies: Copies | NotMeasured, album: Album) -> Section:
    """Return the copies in the test set, or why they are unknown; the pictures of the closest enter the album."""
    title = "Copies in the test set"
    if isinstance(copies, NotMeasured):
        return Section("copies", title, title, copies)
    items = copy_items(record, copies, album)
    one_class = record.objective.name == "classification"
    changes = CHANGES if one_class else CHANGES | {"blend": "not a copy: the mean of two training examples"}
    content = DrawnCopies(copies, len(items), album.has_pictures, NEAR_DUPLICATE, changes)
    return Section("copies", title, title, content, data={"copies": items})
