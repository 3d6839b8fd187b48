"""Exact nearest neighbours in blocks of matrix products, and inputs as points whose distances can be compared."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 26
"""Size of the largest temporary array: 64 MiB. Besides it there is one float32 copy of all inputs."""

SPARE = 8
"""Candidates beyond k that are measured exactly, because a distance from a matrix product is rounded."""


def as_points(inputs: NDArray[Any], train: Int[ndarray, " train"]) -> NDArray[np.float32]:
    """Return inputs as points `[example, feature]`: the distance is the root mean square difference per feature.

    Bytes are read from 0 to 1; other features are divided by their standard deviation over the examples at `train`.
    """
    inputs = inputs.reshape(len(inputs), -1)
    points = inputs.astype(np.float32)
    features = max(points.shape[1], 1)
    if not len(train):
        return points / np.float32(np.sqrt(features))
    points /= np.float32(255) if inputs.dtype == np.uint8 else _or_one(points[train].std(axis=0))
    points -= points[train].mean(axis=0)  # smaller numbers, smaller rounding; distances stay
    points /= np.float32(np.sqrt(features))
    return points


def nearest(
    points: Float[ndarray, "example feature"],
    queries: Int[ndarray, " query"],
    candidates: Int[ndarray, " candidate"],
    k: int,
) -> tuple[Int[ndarray, "query rank"], Float[ndarray, "query rank"]]:
    """Return positions and distances of the k candidates nearest to each query, itself excepted, nearest first.

    Exact: a matrix product proposes k + SPARE, and these are measured one by one. Where there are fewer than k
    others, the rest is position -1 at distance infinity.
    """
    where = np.full((len(queries), k), -1, np.int64)
    distance = np.full((len(queries), k), np.inf)
    if not len(candidates) or not len(queries) or not points.shape[1]:
        return where, distance
    proposed = min(k + SPARE, len(candidates))
    column = np.full(len(points), -1, np.int64)
    column[candidates] = np.arange(len(candidates))
    others = points[candidates]
    lengths = np.einsum("ij,ij->i", others, others)
    rows = max(1, BLOCK_BYTES // (4 * max(len(candidates), proposed * points.shape[1])))
    for start in range(0, len(queries), rows):
        part = queries[start : start + rows]
        with np.errstate(invalid="ignore"):  # points are finite; some matrix products raise the flag all the same
            rough = lengths - 2 * (points[part] @ others.T)
        itself = column[part]
        rough[itself >= 0, itself[itself >= 0]] = np.inf
        best = np.argpartition(rough, proposed - 1, axis=1)[:, :proposed]
        exact = _distances(points[part], others[best])
        exact[best == itself[:, None]] = np.inf
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        found = np.take_along_axis(exact, order, axis=1)
        ids = np.where(np.isfinite(found), candidates[np.take_along_axis(best, order, axis=1)], -1)
        where[start : start + rows, : ids.shape[1]] = ids
        distance[start : start + rows, : ids.shape[1]] = found
    return where, distance


def _or_one(spread: Float[ndarray, " feature"]) -> Float[ndarray, " feature"]:
    constant: Bool[ndarray, " feature"] = spread == 0
    return np.where(constant, 1, spread).astype(np.float32)


def _distances(
    queries: Float[ndarray, "query feature"], others: Float[ndarray, "query rank feature"]
) -> NDArray[np.float64]:
    difference = others - queries[:, None]
    return np.sqrt(np.einsum("qrf,qrf->qr", difference, difference, dtype=np.float64))
