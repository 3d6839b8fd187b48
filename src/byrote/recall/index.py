"""Index: where the keys of a memory are kept, and how the nearest are found."""

from typing import ClassVar, Literal, Protocol

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

Metric = Literal["cosine", "euclidean"]


class Index(Protocol):
    """Keys in the order in which they were added; a row is the position of a key in this order.

    Keys and queries are float32 [row, width], of length 1 where the metric is cosine: the memory sees to it.
    """

    name: ClassVar[str]
    exact: ClassVar[bool]
    """Whether it always finds the nearest keys."""

    def __len__(self) -> int: ...

    def add(self, keys: Float32[ndarray, "new width"]) -> None:
        """Append keys."""
        ...

    def keep(self, rows: Bool[ndarray, " row"]) -> None:
        """Drop the keys where this mask is False, also from RAM; the others move together and stay in order."""
        ...

    def keys(self, rows: Int64[ndarray, " some"]) -> Float32[ndarray, "some width"]:
        """Return a copy of the keys of these rows."""
        ...

    def search(
        self, queries: Float32[ndarray, "query width"], k: int
    ) -> tuple[Float32[ndarray, "query k"], Int64[ndarray, "query k"]]:
        """Return distances and rows of the k nearest keys, nearest first, equals in the order of their rows.

        Where there are fewer than k the distance is infinite and the row -1.
        """
        ...

    @property
    def bytes(self) -> int:
        """Bytes that keys and what finds them take in RAM."""
        ...


def exact_distances(
    queries: Float32[ndarray, "query width"], keys: Float32[ndarray, "query k width"], metric: Metric
) -> Float32[ndarray, "query k"]:
    """Return distances from differences, coordinate by coordinate: those of equal keys are exactly 0.

    The expansion |q|^2 - 2 qk + |k|^2, by which the nearest are found, loses up to .001 to rounding near 0.
    """
    squares = np.square(queries[:, None] - keys, dtype=np.float32).sum(2, dtype=np.float64)
    return (squares / 2 if metric == "cosine" else np.sqrt(squares)).astype(np.float32)
