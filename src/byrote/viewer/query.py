"""Query: which examples a table shows, and in which order, as the page asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from byrote.errors import InvalidData, unknown

SPLITS = ("train", "test", "canary", "all")

MOST = 500
"""Rows of one answer at most."""


@dataclass(frozen=True)
class Query:
    """Filters ("" for none) and an order: by `id`, `label`, or the name of a score.

    By a score, the memorized or hard examples come first; with `surely`, by the end of the interval that is nearer to not
    memorized. `turned` is the reverse order. Undefined values come last in both.
    """

    sort: str = ""
    turned: bool = False
    surely: bool = False
    split: str = "train"
    label: int | None = None
    cause: str = ""
    decision: str = ""
    tag: str = ""
    text: str = ""

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "Query":
        """Return the query of an address; raise InvalidData or ByroteError for what is none."""
        split = given.get("split") or "train"
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        label = given.get("label", "")
        return cls(
            sort=given.get("sort", ""),
            turned=given.get("turned", "") == "1",
            surely=given.get("surely", "") == "1",
            split=split,
            label=whole(label, "label") if label else None,
            cause=given.get("cause", ""),
            decision=given.get("decision", ""),
            tag=given.get("tag", ""),
            text=given.get("text", "")[:200],
        )


def whole(text: str, what: str, most: int = 1 << 40) -> int:
    """Return a whole number from 0 to `most`; raise InvalidData for anything else."""
    if not (text.isascii() and text.isdigit()) or len(text) > 13 or int(text) > most:
        raise InvalidData(f"{text[:40]!r} is no {what}. Give a whole number from 0 to {most}.")
    return int(text)
