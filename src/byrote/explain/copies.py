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
from byrote.record.nearest import nearest

COPIES = 20
"""Near-duplicates listed of each example at most; the nearest come first."""

SMALLEST = 8
"""Images with fewer pixels in height or width are compared as they are only: too little is left within the border."""

SEARCHED_BYTES = 1 << 24
"""Size of the distances that are looked at at a time: most of them stay in the cache."""

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
    found = [dict[int, Neighbour]() for _ in queries]
    rows = np.flatnonzero(_may_have_one(population, points, queries, candidates))
    for row, where, distance in zip(rows, *nearest(points.points, queries[rows], candidates, COPIES), strict=True):
        label = int(points.classes[queries[row]])
        near = list_neighbours(population, where, distance)
        around = near[AROUND - 1].distance if len(near) >= AROUND else 0.0
        found[row] |= {each.position: each for each in near if points.is_duplicate(label, each.distance, around)}
    for change, row, at, distance in _changed(population, points, queries, candidates):
        known = found[row].get(at)
        if known is None or (known.change and distance < known.distance):
            found[row][at] = Neighbour(at, str(population.ids[at]), int(points.classes[at]), distance, change)
    return [tuple(sorted(each.values(), key=lambda copy: copy.distance)[:COPIES]) for each in found]


def _may_have_one(
    population: Population, points: Space, queries: Int[ndarray, " query"], candidates: Int[ndarray, " candidate"]
) -> Bool[ndarray, " query"]:
    """Return which queries may have a near-duplicate among the candidates as they are; all of what are no images of bytes."""
    images = population.inputs
    if not _are_large_images(images) or not len(candidates) or not len(queries):
        return np.ones(len(queries), np.bool_)
    limits = np.array([points.limit(int(label)) for label in points.classes[queries]])
    pixels = images[0].size
    coarse = _measurable(_points(_halved(_halved(images[candidates])), 16, pixels))
    return _any_within(_points(_halved(_halved(images[queries])), 16, pixels), coarse, limits)


def _changed(
    population: Population, points: Space, queries: Int[ndarray, " query"], candidates: Int[ndarray, " candidate"]
) -> Iterator[tuple[str, int, int, float]]:
    """Yield the change, the number of the query, the position of the copy and its distance.

    Means over 4x4 pixels are searched first, then those over 2x2: their distances are never larger than that of the pixels, so
    no copy is lost.
    """
    images = population.inputs
    if not _are_large_images(images) or not len(candidates) or not len(queries):
        return
    labels = [int(label) for label in points.classes[queries]]
    limits = np.array([points.limit(label) for label in labels])
    halved = _halved(_window(images[candidates], 1, 1))
    pixels = 4 * halved[0].size
    coarse, others = _measurable(_points(_halved(halved), 16, pixels)), _points(halved, 4, pixels)
    fine = _measurable(others)
    for change, windows in _changes(images[queries]):
        small = _halved(windows)
        changed, rows = _points(small, 4, pixels), np.arange(len(queries))
        for means, candidate_means in ((_points(_halved(small), 16, pixels), coarse), (changed, fine)):
            rows = rows[_any_within(means[rows], candidate_means, limits[rows])]
        both = np.concatenate([others, changed[rows]])
        ranked, _ = nearest(both, len(others) + np.arange(len(rows)), np.arange(len(others)), COPIES)
        for row, ranks in zip(rows, ranked, strict=True):
            near = candidates[ranks[ranks >= 0]]
            gap = (windows[row].astype(np.float64) - _window(images[near], 1, 1)) / 255
            for at, distance in zip(near, np.sqrt((gap**2).reshape(len(near), -1).mean(axis=1)), strict=True):
                if at != queries[row] and points.is_duplicate(labels[row], float(distance)):
                    yield change, int(row), int(at), float(distance)


def _are_large_images(inputs: Any) -> bool:
    """Return whether these are images of bytes, and not too small to be compared without their border."""
    return inputs.ndim >= 3 and min(inputs.shape[-2:]) >= SMALLEST and inputs.dtype == np.uint8


def _changes(images: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    for down, right in product((0, 1, 2), repeat=2):
        if (down, right) != (1, 1):
            yield "shifted by one pixel", _window(images, down, right)
    yield "mirrored", _window(images[..., ::-1], 1, 1)


def _window(images: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """Return the images without their border of one pixel, or of two at one end where that makes the size even."""
    height, width = ((size - 2) // 2 * 2 for size in images.shape[-2:])
    return images[..., down : down + height, right : right + width]


def _halved(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the means over 2x2 pixels, or over 2x2 such means; a last row or column that is alone is left out."""
    height, width = (size // 2 * 2 for size in images.shape[-2:])
    quarters = [images[..., down:height:2, right:width:2] for down, right in product((0, 1), repeat=2)]
    sums = np.add.reduce(quarters, dtype=np.uint16 if images.dtype == np.uint8 else np.float32)
    return sums.astype(np.float32, copy=False) / np.float32(4)


def _points(means: NDArray[np.float32], each: int, pixels: int) -> NDArray[np.float32]:
    """Return means over `each` of the pixels as points: their distance is at most the root mean square one of all `pixels`."""
    return means.reshape(len(means), -1) * np.float32(np.sqrt(each / pixels) / 255)


def _measurable(points: Float[ndarray, "candidate feature"]) -> NDArray[np.float32]:
    """Return points with their squared length as one more feature: one product with them then gives squared distances."""
    return np.concatenate([points, np.einsum("ij,ij->i", points, points)[:, None]], axis=1)


def _any_within(
    queries: Float[ndarray, "query feature"],
    candidates: Float[ndarray, "candidate measurable"],
    limits: Float[ndarray, " query"],
) -> Bool[ndarray, " query"]:
    """Return which queries have a candidate within their limit, with room for the rounding of a matrix product."""
    extended = np.concatenate([-2 * queries, np.ones((len(queries), 1), np.float32)], axis=1)
    least = np.empty(len(queries))
    rows = max(1, SEARCHED_BYTES // (4 * len(candidates)))
    for start in range(0, len(queries), rows):
        part = slice(start, start + rows)
        least[part] = (extended[part] @ candidates.T).min(axis=1)
    return least + np.einsum("ij,ij->i", queries, queries) <= limits**2 + ROUNDING
