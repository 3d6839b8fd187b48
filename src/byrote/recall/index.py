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
    metric: Metric

    def __len__(self) -> int:
        """Return how many rows there are, with those that were forgotten and are not dropped yet."""
        ...

    def add(self, keys: Float32[ndarray, "new width"]) -> None:
        """Append keys."""
        ...

    def forget(self, rows: Int64[ndarray, " gone"]) -> None:
        """Overwrite the keys of these rows, which are not found any more. The others keep their rows."""
        ...

    def keep(self, rows: Bool[ndarray, " row"]) -> None:
        """Drop the rows where this mask is False, also from RAM; the others move together and stay in order."""
        ...

    def keys(self, rows: Int64[ndarray, " some"]) -> Float32[ndarray, "some width"]:
        """Return a copy of the keys of these rows, of which none was forgotten."""
        ...

    def search(
        self, queries: Float32[ndarray, "query width"], k: int
    ) -> tuple[Float32[ndarray, "query k"], Int64[ndarray, "query k"]]:
        """Return distances and rows of the k nearest keys, nearest first, equals in the order of their rows.

        Where there are fewer than k the distance is infinite and the row -1.
        """
        ...

    @property
    def settings(self) -> dict[str, int]:
        """What it was made with beside width and metric, by the names of its parameters: an index that is opened is made so."""
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
    difference = queries[:, None] - keys
    return as_distances(np.einsum("qkw,qkw->qk", difference, difference), metric)


def as_distances(squares: ndarray, metric: Metric) -> Float32[ndarray, "query k"]:
    """Return distances from squared lengths of differences."""
    return (squares / 2 if metric == "cosine" else np.sqrt(squares)).astype(np.float32)
