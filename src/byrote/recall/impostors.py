"""Impostors: queries without a counterpart, and how near they are to what a memory holds, as it changes."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Float32, Shaped
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.recall.exact import Exact
from byrote.recall.index import Metric
from byrote.recall.threshold import Threshold, rank_at, threshold_at

Search = Callable[[Float32[ndarray, "query width"]], tuple[Float32[ndarray, " query"], Shaped[ndarray, " query"]]]
"""Returns the distance and the name of the nearest key of each query."""


BLOCK = 1 << 22
"""Distances that are held at once."""

ROUNDING = 1e-3
"""How far a squared distance may be off that is the difference of squares in float32, of the sum of squared lengths."""


class Impostors:
    """Queries of which nothing is stored, each with its nearest key. What changes in the memory is looked up, and no more.

    Names of keys are numbers or texts, which are given once.
    """

    def __init__(self, queries: Float32[ndarray, "query width"], false_accept: float, search: Search) -> None:
        self.queries, self.false_accept = queries, false_accept
        self.distances, self.nearest = search(queries)
        self.threshold: Threshold = threshold_at(self.distances, false_accept)

    def check(self) -> None:
        """Raise InvalidData where the threshold is 0, so that nothing could be known: impostors are stored themselves."""
        if self.threshold.distance <= 0:
            equal = int((self.distances == 0).sum())
            raise InvalidData(
                f"{equal} of {len(self.queries)} impostors are equal to stored keys, so nothing would be known at a false-accept rate of {self.false_accept:g}. Give queries of which nothing is stored."
            )

    def check_added(self, keys: Float32[ndarray, "new width"]) -> None:
        """Raise InvalidData for new keys so many of which are impostors that nothing would be known any more."""
        equal = int((self.distances == 0).sum())
        near = self.queries[self._within(keys, np.zeros(len(self.queries))) & (self.distances > 0)]
        new = sum(bool((keys == query).all(1).any()) for query in near)
        if new and equal + new >= rank_at(len(self.queries), self.false_accept):
            raise InvalidData(
                f"{new} of the {len(self.queries)} impostors by which this memory is calibrated would be stored, and nothing would be known at a false-accept rate of {self.false_accept:g}. Calibrate it by other queries first."
            )

    def added(self, keys: Float32[ndarray, "new width"], names: Shaped[ndarray, " new"], metric: Metric) -> None:
        """Take new keys into account."""
        squares = (
            self.distances.astype(np.float64) * 2 if metric == "cosine" else np.square(self.distances, dtype=np.float64)
        )
        near = np.flatnonzero(self._within(keys, squares))
        if not len(near):
            return
        new = Exact(keys.shape[1], metric)
        new.add(keys)
        distances, rows = (found[:, 0] for found in new.search(self.queries[near], 1))
        nearer = distances < self.distances[near]
        self.distances[near[nearer]] = distances[nearer]
        self.nearest[near[nearer]] = names[rows[nearer]]
        self.threshold = threshold_at(self.distances, self.false_accept)

    def deleted(self, names: Shaped[ndarray, " gone"], search: Search) -> None:
        """Look up anew those whose nearest key is gone."""
        lost = np.isin(self.nearest, names)
        if lost.any():
            self.distances[lost], self.nearest[lost] = search(self.queries[lost])
            self.threshold = threshold_at(self.distances, self.false_accept)

    def _within(
        self, keys: Float32[ndarray, "new width"], squares: Float[ndarray, " query"]
    ) -> Bool[ndarray, " query"]:
        """Return which impostors may have a key within these squared distances: all that have, and by rounding some more."""
        lengths, own = (np.square(each, dtype=np.float64).sum(1) for each in (self.queries, keys))
        near = np.zeros(len(self.queries), np.bool_)
        step = max(1, BLOCK // len(self.queries))
        for start in range(0, len(keys), step):
            part = slice(start, start + step)
            apart = lengths[:, None] + own[part] - 2.0 * (self.queries @ keys[part].T)
            near |= (apart <= squares[:, None] + ROUNDING * (lengths[:, None] + own[part])).any(1)
        return near
