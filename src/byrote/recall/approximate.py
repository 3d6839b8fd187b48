"""Approximate: keys in lists around centres; a query is compared with those of the nearest lists only."""

import warnings
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from byrote.errors import InvalidData, missing_extra
from byrote.recall.exact import Exact
from byrote.recall.growing import Growing
from byrote.recall.index import Metric, as_distances

FEW = 20_000
"""Below so many keys all are compared: that takes less than a millisecond."""

GROWN = 4
"""Centres are computed anew when there are so many times as many keys as there were."""

ROUNDS = 10
"""Rounds of k-means."""

PLACE = 56
"""Bytes that the place of a key takes in faiss's table."""

PER_LIST = 40
"""Keys that the centres are computed from, per list."""

NEAR = 1e-3
"""A centre that is as near to a deleted key (as a share of its length) gives the key away, and is moved."""


class Approximate:
    """Finds most of the nearest keys, in a tenth of the time or less, by faiss's inverted lists (Sivic & Zisserman 2003).

    Keys belong to the nearest of about 2 sqrt(n) centres (k-means). A query is compared with the keys of the `visits` nearest
    centres: more find more, and take longer. `byrote.recall.recall_at_k` measures which share of the nearest is found.
    Distances are exact. Below 20,000 keys all are compared. Deleted keys are overwritten and taken out of their list;
    centres are means of keys, also of keys that were deleted since. Bytes in RAM: 4 x width + about 90 a key, and up to
    twice that while keys are added.

    Lists were chosen over a graph (HNSW), which finds no more in the same time on clustered keys, is built five times more
    slowly, and cannot delete. Raises ByroteError where faiss is not installed.
    """

    name: ClassVar[str] = "approximate"
    exact: ClassVar[bool] = False

    def __init__(self, width: int, metric: Metric = "cosine", *, visits: int = 32) -> None:
        if isinstance(visits, bool) or visits < 1:
            raise InvalidData(f"visits={visits!r} lists find nothing. Give 1 or more.")
        self.metric: Metric = metric
        self.width, self.visits = width, visits
        import_faiss()
        self._few: Exact | None = Exact(width, metric)
        self._lists: Any = None
        self._ids = Growing(np.int64)  # of each row in the lists: they ascend
        self._alive = Growing(np.bool_)
        self._given = self._trained = 0

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, keys: Float32[ndarray, "new width"]) -> None:
        """Append keys."""
        new = np.arange(self._given, self._given + len(keys))
        self._given += len(keys)
        self._ids.extend(new)
        self._alive.extend(np.ones(len(keys), np.bool_))
        if self._few is not None:
            self._few.add(keys)
        elif len(keys):
            self._lists.add_with_ids(keys, new)
        count = int(np.count_nonzero(self._alive.values))
        if count >= (FEW if self._few is not None else GROWN * self._trained):
            self._arrange()

    def forget(self, rows: Int64[ndarray, " gone"]) -> None:
        """Overwrite the keys of these rows, which are not found any more. The others keep their rows."""
        self._alive.values[rows] = False
        if self._few is not None:
            self._few.forget(rows)
            return
        if not len(rows):
            return
        faiss, lists, ids = import_faiss(), self._lists, np.ascontiguousarray(self._ids.values[rows])
        gone = lists.reconstruct_batch(ids)
        where = [int(lists.direct_map.get(id_)) >> 32 for id_ in ids.tolist()]
        sizes = {at: int(lists.invlists.list_size(at)) for at in where}
        lists.remove_ids(faiss.IDSelectorArray(len(ids), faiss.swig_ptr(ids)))
        for at, before in sizes.items():  # the last of a list take the places of those that are gone
            self._list(at, before)[int(lists.invlists.list_size(at)) :] = 0
        for at, key in zip(where, gone, strict=True):
            self._hide(at, key)

    def keep(self, rows: Bool[ndarray, " row"]) -> None:
        """Drop the rows where this mask is False, also from RAM; the others move together and stay in order."""
        self.forget(np.flatnonzero(self._alive.values & ~rows))
        self._ids.keep(rows)
        self._alive.keep(rows)
        if self._few is not None:
            self._few.keep(rows)
        elif len(self) * GROWN < self._trained:
            self._arrange()

    def keys(self, rows: Int64[ndarray, " some"]) -> Float32[ndarray, "some width"]:
        """Return a copy of the keys of these rows, of which none was forgotten."""
        if self._few is not None:
            return self._few.keys(rows)
        if not len(rows):
            return np.zeros((0, self.width), np.float32)
        return self._lists.reconstruct_batch(np.ascontiguousarray(self._ids.values[rows]))

    def search(
        self, queries: Float32[ndarray, "query width"], k: int
    ) -> tuple[Float32[ndarray, "query k"], Int64[ndarray, "query k"]]:
        """Return distances and rows of the k nearest keys that are found, equals in the order of their rows."""
        if self._few is not None:
            return self._few.search(queries, k)
        if not len(queries):
            return np.zeros((0, k), np.float32), np.zeros((0, k), np.int64)
        self._lists.nprobe = self.visits
        squares, ids = self._lists.search(queries, k)
        rows = np.where(ids < 0, -1, np.searchsorted(self._ids.values, ids))
        squares[ids < 0] = np.inf
        if (squares[:, 1:] <= squares[:, :-1]).any():  # equals; faiss sorts the others
            order = np.lexsort((rows, squares), axis=-1)
            squares, rows = np.take_along_axis(squares, order, 1), np.take_along_axis(rows, order, 1)
        return as_distances(squares, self.metric), rows

    @property
    def settings(self) -> dict[str, int]:
        """What it was made with beside width and metric."""
        return {"visits": self.visits}

    @property
    def bytes(self) -> int:
        """Bytes that keys and lists take in RAM, about."""
        rows = self._ids.bytes + self._alive.bytes
        if self._few is not None:
            return rows + self._few.bytes
        return rows + int(self._lists.ntotal) * (4 * self.width + 8 + PLACE) + int(self._lists.nlist) * 4 * self.width

    def _arrange(self) -> None:
        """Compute centres from the keys that are there, and put these into lists; where they are few, keep them together."""
        rows = np.flatnonzero(self._alive.values)
        keys = self.keys(rows)
        if len(rows) < FEW:
            self._few, self._lists, self._trained = Exact(self.width, self.metric), None, 0
            held = np.zeros((len(self), self.width), np.float32)
            held[rows] = keys
            self._few.add(held)
            self._few.forget(np.flatnonzero(~self._alive.values))
            return
        faiss = import_faiss()
        count = int(2 * np.sqrt(len(rows)))
        lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(self.width), self.width, count)
        lists.cp.niter, lists.cp.min_points_per_centroid, lists.cp.max_points_per_centroid = ROUNDS, 1, PER_LIST
        some = np.sort(np.random.default_rng(0).choice(len(rows), min(len(rows), PER_LIST * count), replace=False))
        lists.train(keys[some])
        lists.set_direct_map_type(faiss.DirectMap.Hashtable)
        lists.add_with_ids(keys, np.ascontiguousarray(self._ids.values[rows]))
        self._few, self._lists, self._trained = None, lists, len(rows)

    def _list(self, at: int, size: int) -> Float32[ndarray, "key width"]:
        """Return the keys of a list, to read and to write."""
        faiss = import_faiss()
        codes = faiss.rev_swig_ptr(self._lists.invlists.get_codes(at), size * 4 * self.width)
        return codes.view(np.float32).reshape(size, self.width)

    def _hide(self, at: int, key: Float32[ndarray, " width"]) -> None:
        """Move the centre of a list where it is nearly the deleted key: to the mean of its keys, or to the next centre."""
        faiss, count = import_faiss(), int(self._lists.nlist)
        flat = faiss.downcast_index(self._lists.quantizer).get_xb()
        centres = faiss.rev_swig_ptr(flat, count * self.width).reshape(count, self.width)
        if np.linalg.norm(centres[at] - key) <= NEAR * np.linalg.norm(key):
            left = self._list(at, int(self._lists.invlists.list_size(at)))
            centres[at] = left.mean(0) if len(left) else centres[(at + 1) % count]


def import_faiss() -> Any:
    """Return the package faiss; raise ByroteError where it is not installed."""
    try:
        with warnings.catch_warnings():  # SWIG's types have no module
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module("faiss")
    except ModuleNotFoundError:
        raise missing_extra("An approximate index needs the package faiss", "recall") from None
