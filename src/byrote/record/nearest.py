"""Exact nearest neighbours in blocks of matrix products, and inputs as points whose distances can be compared."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 25
"""Size of the largest temporary array: 32 MiB. Besides it there is one float32 copy of all inputs."""

FEWEST = 4
"""The smallest values of a row are looked for in groups of columns where these would have at least so many columns each."""

MEASURED_BYTES = 1 << 20
"""Size of the differences that are measured exactly at a time: they stay in the cache."""

SPARE = 8
"""Candidates beyond k that are measured exactly, because a distance from a matrix product is rounded."""

WORK = 2e11
"""Multiplications that one search of neighbours takes at most: about four seconds of a core."""

SHORT = 50
"""To compare two short vectors takes as long as to compare two of this length."""


def as_points(inputs: NDArray[Any], train: Int[ndarray, " train"]) -> NDArray[np.float32]:
    """Return inputs as points `[example, feature]`: the distance is the root mean square difference per feature.

    Bytes are read from 0 to 1; other features are divided by their standard deviation over the examples at `train`.
    """
    inputs = inputs.reshape(len(inputs), -1)
    points = inputs.astype(np.float32)
    features = max(points.shape[1], 1)
    if not len(train):
        return points / np.float32(np.sqrt(features))
    points /= np.float32(255) if inputs.dtype == np.uint8 else _or_one(rows_at(points, train).std(axis=0))
    points -= rows_at(points, train).mean(axis=0)  # smaller numbers, smaller rounding; distances stay
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
    others = rows_at(points, candidates)
    lengths = np.einsum("ij,ij->i", others, others)
    numbers = _number_of(queries, candidates)
    rows = max(1, BLOCK_BYTES // (4 * len(candidates)))
    for start in range(0, len(queries), rows):
        part, itself = queries[start : start + rows], numbers[start : start + rows]
        rough = _up_to_own_length(points[part], others, lengths)
        rough[itself >= 0, itself[itself >= 0]] = np.inf
        best = smallest(rough, proposed)
        exact = _distances(points[part], others, best)
        exact[best == itself[:, None]] = np.inf
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        found = np.take_along_axis(exact, order, axis=1)
        ids = np.where(np.isfinite(found), candidates[np.take_along_axis(best, order, axis=1)], -1)
        where[start : start + rows, : ids.shape[1]] = ids
        distance[start : start + rows, : ids.shape[1]] = found
    return where, distance


def squared_distances(
    points: Float[ndarray, "example feature"],
    queries: Int[ndarray, " query"],
    candidates: Int[ndarray, " candidate"],
    *,
    block: int | None = None,
) -> Iterator[tuple[Int[ndarray, " part"], Float[ndarray, "part candidate"]]]:
    """Yield some of the queries with their squared distances to all candidates, rounded as matrix products are.

    The squared length of the query itself is left out, which is the same for all candidates. `block` queries come at a time
    (None: as many as memory is bounded by).
    """
    others = rows_at(points, candidates)
    lengths = np.einsum("ij,ij->i", others, others)
    rows = block or max(1, BLOCK_BYTES // (4 * max(len(candidates), 1)))
    for start in range(0, len(queries), rows):
        part = queries[start : start + rows]
        yield part, _up_to_own_length(points[part], others, lengths)


def rows_at(points: NDArray[Any], positions: Int[ndarray, " some"]) -> NDArray[Any]:
    """Return the rows at these positions, without a copy where these follow each other, as the training examples often do."""
    first, count = int(positions[0]) if len(positions) else 0, len(positions)
    if count and int(positions[-1]) == first + count - 1 and (np.diff(positions) == 1).all():
        return points[first : first + count]
    return points[positions]


def _number_of(positions: Int[ndarray, " query"], among: Int[ndarray, " candidate"]) -> Int[ndarray, " query"]:
    """Return the number of each position among others, which are in any order; -1 for one that is not among them."""
    order = np.argsort(among)
    at = order[np.minimum(np.searchsorted(among, positions, sorter=order), len(among) - 1)]
    return np.where(among[at] == positions, at, -1)


def _up_to_own_length(
    queries: Float[ndarray, "query feature"],
    others: Float[ndarray, "candidate feature"],
    lengths: Float[ndarray, " candidate"],
) -> NDArray[np.float32]:
    """Return squared distances without the squared length of the query."""
    with np.errstate(invalid="ignore"):  # points are finite; some matrix products raise the flag all the same
        rough = (-2 * queries) @ others.T
    rough += lengths
    return rough


def smallest(values: Float[ndarray, "row column"], count: int) -> NDArray[np.intp]:
    """Return the columns of the `count` smallest of each row, in no order; there are as many.

    Of long rows, the columns are first put into groups: the smallest values lie in the groups with the smallest minima. Their
    size is the one with which both partitions, of the minima and of the columns in the chosen groups, take the least time.
    """
    columns = values.shape[1]
    size = int(np.sqrt(columns / (2 * count)))
    if size < FEWEST:
        return np.argpartition(values, count - 1, axis=1)[:, :count]
    width = columns // size
    minima = values[:, : size * width].reshape(-1, size, width).min(axis=1)
    groups = np.argpartition(minima, count - 1, axis=1)[:, None, :count]
    rest = np.arange(size * width, columns)
    members = (groups + width * np.arange(size)[:, None]).reshape(len(values), -1)
    members = np.concatenate([members, np.broadcast_to(rest, (len(values), len(rest)))], axis=1)
    best = np.argpartition(np.take_along_axis(values, members, axis=1), count - 1, axis=1)[:, :count]
    return np.take_along_axis(members, best, axis=1)


def _distances(
    queries: Float[ndarray, "query feature"],
    others: Float[ndarray, "candidate feature"],
    chosen: Int[ndarray, "query rank"],
) -> NDArray[np.float64]:
    """Return the distance of each query to the candidates that were chosen for it."""
    distance = np.empty(chosen.shape)
    rows = max(1, MEASURED_BYTES // (4 * max(chosen.shape[1] * queries.shape[1], 1)))
    for start in range(0, len(queries), rows):
        part = slice(start, start + rows)
        difference = others[chosen[part]] - queries[part, None]
        distance[part] = np.sqrt(np.vecdot(difference, difference))
    return distance


def _or_one(spread: Float[ndarray, " feature"]) -> Float[ndarray, " feature"]:
    constant: Bool[ndarray, " feature"] = spread == 0
    return np.where(constant, 1, spread).astype(np.float32)
