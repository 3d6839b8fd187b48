"""Indexes: the ways to find the nearest keys, by name."""

from typing import Protocol

from byrote.errors import unknown
from byrote.recall.approximate import Approximate
from byrote.recall.exact import Exact
from byrote.recall.index import Index, Metric


class Maker(Protocol):
    """Makes an empty index."""

    def __call__(self, width: int, metric: Metric, **settings: int) -> Index:
        """Return an empty index."""
        ...


INDEXES: dict[str, Maker] = {Exact.name: Exact, Approximate.name: Approximate}


def make_index(name: str, width: int, metric: Metric, settings: dict[str, int] | None = None) -> Index:
    """Return an empty index; raise ByroteError for an unknown name."""
    if name not in INDEXES:
        raise unknown("index", name, INDEXES)
    return INDEXES[name](width, metric, **(settings or {}))
