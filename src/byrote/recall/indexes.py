"""Indexes: the ways to find the nearest keys, by name."""

from collections.abc import Callable

from byrote.errors import unknown
from byrote.recall.approximate import Approximate
from byrote.recall.exact import Exact
from byrote.recall.index import Index, Metric

INDEXES: dict[str, Callable[..., Index]] = {Exact.name: Exact, Approximate.name: Approximate}
"""Each makes an empty index from a width, a metric and its own settings."""


def make_index(name: str, width: int, metric: Metric, settings: dict[str, int] | None = None) -> Index:
    """Return an empty index; raise ByroteError for an unknown name."""
    if name not in INDEXES:
        raise unknown("index", name, INDEXES)
    return INDEXES[name](width, metric, **(settings or {}))
