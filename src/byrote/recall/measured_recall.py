"""Recall of an index: which share of the nearest keys it finds, against a comparison with every key."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.recall.exact import Exact
from byrote.recall.index import Index
from byrote.recall.keys import as_keys
from byrote.recall.memory import Memory
from byrote.stats.estimate import Estimate

BLOCK = 1 << 16
"""Keys that are compared at once."""


def recall_at_k(memory: Memory, queries: ndarray, k: int = 10, *, level: float = 0.9) -> Estimate:
    """Return the share of the `k` nearest stored keys that a look-up finds, over queries such as those to come: 1 is all.

    The nearest are those of a comparison with every key, in blocks; a found key that is as near as the k-th counts. The
    interval is Wilson's over queries, which is for shares that are 0 or 1: for those in between it is too wide rather than too
    narrow. Use queries that are not stored: a stored key is found more easily. Raises InvalidData for an empty memory,
    for no queries, and for keys of another width.
    """
    given = as_keys(queries, memory.width, memory.metric)
    if not len(memory) or not len(given) or k < 1:
        raise InvalidData("Recall needs a stored key, a query and k of 1 or more. Add entries, or give queries.")
    return recall_of(memory.index, memory.rows, given, min(k, len(memory)), level=level)


def recall_of(
    index: Index, rows: ndarray, queries: Float32[ndarray, "query width"], k: int, *, level: float = 0.9
) -> Estimate:
    """Return what `recall_at_k` does, of an index and its rows that are not forgotten."""
    found = index.search(queries, k)[0]
    best = np.full((len(queries), 0), np.inf, np.float32)
    for start in range(0, len(rows), BLOCK):
        some = Exact(queries.shape[1], index.metric)
        some.add(index.keys(rows[start : start + BLOCK]))
        best = np.sort(np.concatenate([best, some.search(queries, k)[0]], 1), axis=1)[:, :k]
    # the two may add up coordinates in another order
    share = (found <= best[:, -1:] * (1 + 1e-5)).mean(1)
    return Estimate.of_share(float(share.sum()), len(share), "queries", level=level)
