"""Counts in sentences: one row is, two rows are."""

from collections.abc import Sequence

QUOTED = 5
"""Names that a sentence lists, at most."""


def counted(number: int, one: str, several: str) -> str:
    """Return a number with the words that follow it: `1 row is`, `1,200 rows are`."""
    return f"{number:,} {one if number == 1 else several}"


def first_of(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - QUOTED:,} more" if len(names) > QUOTED else ""
    return ", ".join(names[:QUOTED]) + more
