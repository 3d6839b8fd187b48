"""Exact: every stored key is compared with every query."""

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from byrote.recall.growing import Growing
from byrote.recall.index import Metric, exact_distances

BLOCK = 1 << 24
"""Distances that are held at once: 64 MB."""

SPARE = 8
"""Keys that are looked at beyond the k nearest, whose rounded distances may stand in the wrong order."""


class Exact:
    """Finds the nearest keys by one matrix product of queries and keys, in blocks: n x width multiplications a query."""

    name: ClassVar[str] = "exact"
    exact: ClassVar[bool] = True

    def __init__(self, width: int, metric: Metric = "cosine") -> None:
        self.metric: Metric = metric
        self._keys = Growing(np.float32, width)
        self._squares = Growing(np.float32)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: Float32[ndarray, "new width"]) -> None:
        """Append keys."""
        self._keys.extend(keys)
        self._squares.extend(np.square(keys).sum(1))

    def keep(self, rows: Bool[ndarray, " row"]) -> None:
        """Drop the keys where this mask is False, also from RAM; the others move together and stay in order."""
        self._keys.keep(rows)
        self._squares.keep(rows)

    def keys(self, rows: Int64[ndarray, " some"]) -> Float32[ndarray, "some width"]:
        """Return a copy of the keys of these rows."""
        return self._keys.values[rows]

    def search(
        self, queries: Float32[ndarray, "query width"], k: int
    ) -> tuple[Float32[ndarray, "query k"], Int64[ndarray, "query k"]]:
        """Return distances and rows of the k nearest keys, nearest first, equals in the order of their rows."""
        count = len(self)
        distances = np.full((len(queries), k), np.inf, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        if not count or not len(queries):
            return distances, rows
        most, found = min(k, count), min(k + SPARE, count)
        keys, squares = torch.from_numpy(self._keys.values), torch.from_numpy(self._squares.values)
        step = max(1, BLOCK // count)
        for start in range(0, len(queries), step):
            some = queries[start : start + step]
            # |key|^2 / 2 - query . key orders the keys as their distances do
            scores = torch.addmm(squares, torch.from_numpy(some), keys.T, beta=0.5, alpha=-1.0)
            near = scores.topk(found, dim=1, largest=False).indices.sort(dim=1).values.numpy()
            measured = exact_distances(some, self._keys.values[near], self.metric)
            order = np.argsort(measured, axis=1, kind="stable")[:, :most]
            rows[start : start + step, :most] = np.take_along_axis(near, order, 1)
            distances[start : start + step, :most] = np.take_along_axis(measured, order, 1)
        return distances, rows

    @property
    def bytes(self) -> int:
        """Bytes that the keys take in RAM."""
        return self._keys.bytes + self._squares.bytes
