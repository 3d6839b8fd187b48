"""Near-duplicates, of images also those that were shifted by one pixel or mirrored."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.explain.neighbours import AROUND, Neighbour, Space, list_neighbours
from byrote.record import Population
from byrote.record.nearest import BLOCK_BYTES, nearest

COPIES = 20
"""Near-duplicates listed of each example at most; the nearest come first."""

SMALLEST = 8
"""Images with fewer pixels in height or width are compared as they are only: too little is left within the border."""

ROUNDING = 1e-5
"""How far a squared distance from a matrix product may be off."""


def find_copies(
    population: Population, points: Space, queries: Int[ndarray, " query"], candidates: Int[ndarray, " candidate"]
) -> list[tuple[Neighbour, ...]]:
    """Return the near-duplicates of each query among the candidates, nearest first; what is near is judged by the query's class.

    Inputs are compared as they are. Images of bytes are then compared with the query shifted by one pixel, and mirrored: their
    distance is that of the pixels within the border, and the same limit holds. It misleads about copies that were changed
    more, for example shifted by two pixels: they are not found. Two flat images of one class may be near without being copies, as
    may an image and the mirror image of another where objects are symmetric.
    """
    found: list[dict[int, Neighbour]] = []
    for query, where, distance in zip(queries, *nearest(points.points, queries, candidates, COPIES), strict=True):
        label = int(points.classes[query])
        near = list_neighbours(population, where, distance)
        around = near[AROUND - 1].distance if len(near) >= AROUND else 0.0
        found.append({each.position: each for each in near if points.is_duplicate(label, each.distance, around)})
    for change, row, at, distance in _changed(population, points, queries, candidates):
        known = found[row].get(at)
        if known is None or (known.change and distance < known.distance):
            found[row][at] = Neighbour(at, str(population.ids[at]), int(points.classes[at]), distance, change)
    return [tuple(sorted(each.values(), key=lambda copy: copy.distance)[:COPIES]) for each in found]


def _changed(
    population: Population, points: Space, queries: Int[ndarray, " query"], candidates: Int[ndarray, " candidate"]
) -> Iterator[tuple[str, int, int, float]]:
    """Yield the change, the number of the query, the position of the copy and its distance.

    Averages over 2x2 pixels are searched first: their distance is never larger than that of the pixels, so no copy is lost.
    """
    images = population.inputs
    small = images.ndim < 3 or min(images.shape[-2:]) < SMALLEST
    if small or images.dtype != np.uint8 or not len(candidates) or not len(queries):
        return
    labels = [int(label) for label in points.classes[queries]]
    limits = np.array([points.limit(label) for label in labels])
    others = _averages(_window(images[candidates], 1, 1))
    for change, windows in _changes(images[queries]):
        changed = _averages(windows)
        rows = np.flatnonzero(_any_within(changed, others, limits))
        both = np.concatenate([others, changed[rows]])
        ranked, _ = nearest(both, len(others) + np.arange(len(rows)), np.arange(len(others)), COPIES)
        for row, ranks in zip(rows, ranked, strict=True):
            near = candidates[ranks[ranks >= 0]]
            gap = (windows[row].astype(np.float64) - _window(images[near], 1, 1)) / 255
            for at, distance in zip(near, np.sqrt((gap**2).reshape(len(near), -1).mean(axis=1)), strict=True):
                if at != queries[row] and points.is_duplicate(labels[row], float(distance)):
                    yield change, int(row), int(at), float(distance)


def _changes(images: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    for down, right in product((0, 1, 2), repeat=2):
        if (down, right) != (1, 1):
            yield "shifted by one pixel", _window(images, down, right)
    yield "mirrored", _window(images[..., ::-1], 1, 1)


def _window(images: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """Return the images without their border of one pixel, or of two at one end where that makes the size even."""
    height, width = ((size - 2) // 2 * 2 for size in images.shape[-2:])
    return images[..., down : down + height, right : right + width]


def _averages(windows: NDArray[Any]) -> NDArray[np.float32]:
    """Return the averages over 2x2 pixels as points; their distance is the root mean square difference of brightness."""
    quarters = [windows[..., down::2, right::2] for down, right in product((0, 1), repeat=2)]
    sums = np.add.reduce(quarters, dtype=np.uint16)
    points = sums.reshape(len(windows), -1).astype(np.float32)
    return points / np.float32(4 * 255 * np.sqrt(points.shape[1]))


def _any_within(
    queries: Float[ndarray, "query feature"],
    candidates: Float[ndarray, "candidate feature"],
    limits: Float[ndarray, " query"],
) -> Bool[ndarray, " query"]:
    """Return which queries have a candidate within their limit, with room for the rounding of a matrix product."""
    lengths = np.einsum("ij,ij->i", candidates, candidates)
    least = np.empty(len(queries))
    rows = max(1, BLOCK_BYTES // (4 * len(candidates)))
    for start in range(0, len(queries), rows):
        part = slice(start, start + rows)
        least[part] = (lengths - 2 * (queries[part] @ candidates.T)).min(axis=1)
    return least + np.einsum("ij,ij->i", queries, queries) <= limits**2 + ROUNDING
