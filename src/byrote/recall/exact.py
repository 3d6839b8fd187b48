"""Exact: every stored key is compared with every query."""

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray
from torch import Tensor

from byrote.recall.growing import Growing
from byrote.recall.index import Metric, exact_distances

GROUP = 32
"""Keys of which only the nearest is looked at first."""

SPARE = 8
"""Groups that are looked at beyond the k nearest, since rounded distances may stand in the wrong order."""

SCORES = 1 << 20
"""Scores that are computed at once: 4 MB, which stay in the cache of a processor."""

HELD = 1 << 22
"""Numbers of a kind that are held at once for a block of queries: 16 MB."""

EPSILON = float(np.finfo(np.float32).eps)


class Exact:
    """Finds the nearest keys by one matrix product of queries and keys: n x width multiplications a query.

    The product scores keys by |key|^2 / 2 - query . key, which orders them as their distances do, up to rounding. The
    least score of each group of neighbouring rows, minus the most that rounding can do, bounds the scores in the group
    from below. The groups with the least bounds are measured exactly, until no other can hold a nearer key.
    """

    name: ClassVar[str] = "exact"
    exact: ClassVar[bool] = True

    def __init__(self, width: int, metric: Metric = "cosine") -> None:
        self.metric: Metric = metric
        self._keys = Growing(np.float32, width)
        self._squares = Growing(np.float32)  # infinite where the key is forgotten
        self._longest: Float32[ndarray, " group"] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: Float32[ndarray, "new width"]) -> None:
        """Append keys."""
        self._keys.extend(keys)
        self._squares.extend(np.einsum("kw,kw->k", keys, keys))
        self._longest = None

    def forget(self, rows: Int64[ndarray, " gone"]) -> None:
        """Overwrite the keys of these rows, which are not found any more. The others keep their rows."""
        self._keys.values[rows] = 0
        self._squares.values[rows] = np.inf
        self._longest = None

    def keep(self, rows: Bool[ndarray, " row"]) -> None:
        """Drop the rows where this mask is False, also from RAM; the others move together and stay in order."""
        self._keys.keep(rows)
        self._squares.keep(rows)
        self._longest = None

    def keys(self, rows: Int64[ndarray, " some"]) -> Float32[ndarray, "some width"]:
        """Return a copy of the keys of these rows, of which none was forgotten."""
        return self._keys.values[rows]

    def search(
        self, queries: Float32[ndarray, "query width"], k: int
    ) -> tuple[Float32[ndarray, "query k"], Int64[ndarray, "query k"]]:
        """Return distances and rows of the k nearest keys, nearest first, equals in the order of their rows."""
        distances = np.full((len(queries), k), np.inf, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        if not len(self) or not len(queries):
            return distances, rows
        groups = -(-len(self) // GROUP)
        found = min(groups, k + SPARE)
        step = max(1, min(256, HELD // groups, HELD // (found * GROUP * queries.shape[1])))
        for start in range(0, len(queries), step):
            some = queries[start : start + step]
            bounds = self._bounds(some)
            near = bounds.topk(found, dim=1, largest=False)
            last = near.values[:, -1].double().numpy() if found < groups else np.full(len(some), np.inf)
            measured, order = self._measured(some, near.indices.sort(dim=1).values.numpy(), k)
            width = measured.shape[1]
            distances[start : start + step, :width], rows[start : start + step, :width] = measured, order
            halves = np.einsum("qw,qw->q", some, some, dtype=np.float64) / 2
            reached = self._scores(distances[start : start + step, -1], halves)
            for at in np.flatnonzero(reached >= last):  # another group may hold an equal or nearer key
                other = np.flatnonzero(bounds[at].double().numpy() <= reached[at])
                distances[start + at], rows[start + at] = self._nearest_of(some[at], other, k)
        return distances, rows

    @property
    def settings(self) -> dict[str, int]:
        """What it was made with beside width and metric: nothing."""
        return {}

    @property
    def bytes(self) -> int:
        """Bytes that the keys take in RAM."""
        return self._keys.bytes + self._squares.bytes + (0 if self._longest is None else self._longest.nbytes)

    def _bounds(self, queries: Float32[ndarray, "query width"]) -> Tensor:
        """Return for each query and group a bound that no true score in the group is below; infinite where all are forgotten."""
        count, some = len(self), torch.from_numpy(np.require(queries, requirements=["C", "W"]))
        keys, squares = torch.from_numpy(self._keys.values), torch.from_numpy(self._squares.values)
        least = torch.empty(len(queries), -(-count // GROUP))
        step = max(GROUP, min(1 << 16, SCORES // len(queries)) // GROUP * GROUP)
        for start in range(0, count, step):
            scores = torch.addmm(squares[start : start + step], some, keys[start : start + step].T, beta=0.5, alpha=-1)
            if scores.shape[1] % GROUP:
                scores = torch.nn.functional.pad(scores, (0, -scores.shape[1] % GROUP), value=float("inf"))
            first = start // GROUP
            groups = scores.view(len(queries), -1, GROUP).amin(2)
            least[:, first : first + groups.shape[1]] = groups
        longest = torch.from_numpy(self._lengths())
        lengths = torch.from_numpy(np.sqrt(np.einsum("qw,qw->q", queries, queries)))
        rounding = (queries.shape[1] + 8) * EPSILON
        least.addmm_(lengths[:, None], longest[None], alpha=-rounding)
        return least.sub_(longest.square(), alpha=rounding)

    def _lengths(self) -> Float32[ndarray, " group"]:
        """Return the length of the longest key of each group."""
        if self._longest is None:
            known = np.where(np.isinf(self._squares.values), np.float32(0), self._squares.values)
            self._longest = np.sqrt(np.maximum.reduceat(known, np.arange(0, len(self), GROUP)))
        return self._longest

    def _scores(self, distances: Float32[ndarray, " query"], halves: Float64[ndarray, " query"]) -> ndarray:
        """Return the scores of keys at these distances, no less than they are."""
        far = distances.astype(np.float64)
        squares = far * 2 if self.metric == "cosine" else far**2
        return squares / 2 * (1 + 256 * EPSILON) - halves

    def _measured(
        self, queries: Float32[ndarray, "query width"], groups: Int64[ndarray, "query group"], k: int
    ) -> tuple[Float32[ndarray, "query found"], Int64[ndarray, "query found"]]:
        """Return distances and rows of the k nearest keys in these groups, which are in ascending order."""
        rows = (groups[:, :, None] * GROUP + np.arange(GROUP)).reshape(len(queries), -1)
        inside = np.minimum(rows, len(self) - 1)
        measured = exact_distances(queries, self._keys.values[inside], self.metric)
        measured[(rows > inside) | np.isinf(self._squares.values[inside])] = np.inf
        order = _first(measured, k)
        distances = np.take_along_axis(measured, order, 1)
        return distances, np.where(np.isinf(distances), -1, np.take_along_axis(rows, order, 1))

    def _nearest_of(
        self, query: Float32[ndarray, " width"], groups: Int64[ndarray, " group"], k: int
    ) -> tuple[ndarray, ndarray]:
        """Return distances and rows of the k nearest keys in any number of groups, in ascending order, for one query."""
        best, rows = np.full(k, np.inf, np.float32), np.full(k, -1, np.int64)
        step = max(1, HELD // (GROUP * len(query)))
        for start in range(0, len(groups), step):
            measured, found = self._measured(query[None], groups[None, start : start + step], k)
            both, names = np.concatenate([best, measured[0]]), np.concatenate([rows, found[0]])
            order = np.argsort(both, kind="stable")[:k]
            best, rows = both[order], names[order]
        return best, np.where(np.isinf(best), -1, rows)


def _first(distances: Float32[ndarray, "query row"], k: int) -> Int64[ndarray, "query k"]:
    """Return the columns of the k least of each row in order, equals in the order of the columns."""
    if distances.shape[1] <= 4 * k:
        return np.argsort(distances, axis=1, kind="stable")[:, :k]
    kth = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
    chosen = np.full((len(distances), k), 0, np.int64)
    for at, within in enumerate(distances <= kth):
        columns = np.flatnonzero(within)
        chosen[at] = columns[np.argsort(distances[at, columns], kind="stable")[:k]]
    return chosen
