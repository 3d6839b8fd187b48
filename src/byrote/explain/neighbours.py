"""Exact nearest neighbours in blocks of matrix products, and which distances are near or far in each class."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.arrays import checked
from byrote.record import Population
from byrote.record.inputs import is_picture

BLOCK_BYTES = 1 << 26
"""Size of the largest temporary array: 64 MiB. Besides it there is one float32 copy of all inputs."""

LONG, GROUP = 8192, 32
"""Of rows at least so long, the smallest values are looked for in groups of so many columns."""

SPARE = 8
"""Candidates beyond k that are measured exactly, because a distance from a matrix product is rounded."""

NEAR_DUPLICATE = 0.4
"""A near-duplicate is closer than this share of the median nearest-neighbour distance of its class."""

RARE = 0.01
"""Where inputs are no byte pictures, only this share of the training examples is as close to another one as a near-duplicate."""

AROUND, CLOSE = 5, 0.1
"""What is nearer than this share of the distance of the neighbour of this rank is a near-duplicate too."""

REFERENCES = 500
"""Examples of each class whose distances are the reference for near and far (all, when the class is smaller)."""

USUAL_NEIGHBOURS = 5
"""How far an example is from its own class: the mean distance to this many nearest examples of its label."""


FENCE = 1.5
"""Outlier: farther from its class than the upper quartile of such distances by this many times their interquartile range."""


@dataclass(frozen=True)
class Neighbour:
    """Another example and its distance: 0 is an exact copy; the larger, the less similar.

    `change` names what was done to an image before it was compared, for example "mirrored"; empty: nothing.
    """

    position: int
    id: str
    label: int
    distance: float
    change: str = ""


@dataclass(frozen=True, eq=False)
class Space:
    """Every example of a record as a point, and the usual distances among the real training examples of each class.

    The distance is the root mean square difference per feature: of pixels from 0 to 1, or of vectors whose
    features were divided by their standard deviation. `near` is the median nearest-neighbour distance (to any label)
    of each class; `far` holds, per class, the sorted mean distances to the nearest
    training examples of the same label. Where labels are no classes, as in regression, all examples
    are of one class. A record that kept no inputs has no points, and no neighbours; nor has one of texts, because a difference
    of token ids means nothing. `rare` is the RARE quantile of the nearest-neighbour distances of each class, exact copies left
    out, where inputs are no byte pictures: rows of a table with few values per column, or of a dense region, are near each
    other without being copies.
    """

    points: Float[ndarray, "example feature"]
    classes: Int[ndarray, " example"]
    train: Int[ndarray, " train"]
    near: dict[int, float]
    far: dict[int, Float[ndarray, " reference"]]
    rare: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def empty(self) -> bool:
        """Whether the record has no inputs that can be compared."""
        return self.points.shape[1] == 0

    @checked
    def remoteness(self, positions: Int[ndarray, " query"]) -> Float[ndarray, " query"]:
        """Return the share of its class that is closer to the class than each: 1 is the farthest out; NaN if unknown."""
        share = np.full(len(positions), np.nan)
        for label in np.unique(self.classes[positions]):
            usual = self.far.get(int(label), np.zeros(0))
            of_label = self.classes[positions] == label
            if len(usual) > 1:
                distance = _to_class(self.points, positions[of_label], self.train[self.classes[self.train] == label])
                share[of_label] = np.searchsorted(usual, distance) / len(usual)
        return share

    def also(self, population: Population) -> "Space":
        """Return the points of a population with the same training examples and further ones; the usual distances stay."""
        return replace(self, points=_points(population, self.train), classes=class_of_each(population))

    @checked
    def distance_to(
        self, positions: Int[ndarray, " query"], labels: Int[ndarray, " query"]
    ) -> Float[ndarray, " query"]:
        """Return how far each is from the nearest examples of the label given with it, where 1 is the fence of that class.

        Beyond the fence (Tukey's) an example of the class would be an outlier. NaN where this is unknown.
        """
        times = np.full(len(positions), np.nan)
        for label in np.unique(labels):
            usual = self.far.get(int(label), np.zeros(0))
            of_label = labels == label
            lower, upper = np.quantile(usual, (0.25, 0.75)) if len(usual) > 1 else (0.0, 0.0)
            if upper > 0:
                same = self.train[self.classes[self.train] == label]
                times[of_label] = _to_class(self.points, positions[of_label], same) / (upper + FENCE * (upper - lower))
        return times

    def is_duplicate(self, label: int, distance: float, around: float = 0.0) -> bool:
        """Whether a neighbour this close to an example of this label is a near-duplicate: always for an exact copy."""
        return distance == 0 or distance < self.limit(label, around)

    def limit(self, label: int, around: float = 0.0) -> float:
        """Return the distance below which a neighbour of an example of this label is a near-duplicate.

        `around` is the distance of the example's AROUND-th neighbour. Copies are far nearer than that, however many there are.
        """
        rare = max(self.rare.get(label, np.inf), CLOSE * around)
        return min(NEAR_DUPLICATE * self.near.get(label, 0.0), rare)


def class_of_each(population: Population) -> Int[ndarray, " example"]:
    """Return the class whose distances are the reference for each example: its label, or 0 where labels are no classes."""
    labels = population.labels
    is_class = labels.ndim == 1 and labels.dtype.kind in "iu"
    return labels if is_class else np.zeros(len(population), np.int64)


def space(population: Population, *, seed: int = 0) -> Space:
    """Return the points of a record, with the usual distances among its real training examples (without canaries).

    Where a class has more than REFERENCES examples, a sample drawn with `seed` is used.
    """
    train = np.flatnonzero(population.where("train"))
    classes = class_of_each(population)
    points, near, far = _points(population, train), dict[int, float](), dict[int, NDArray[np.float64]]()
    rare = dict[int, float]()
    if points.shape[1]:
        rng = np.random.default_rng(seed)
        for label in np.unique(classes[train]):
            of_label = train[classes[train] == label]
            sample = rng.permutation(of_label)[:REFERENCES]
            distance = nearest(points, sample, train, 1)[1][:, 0]
            near[int(label)] = float(np.median(distance))
            if not is_picture(population.inputs):
                apart = distance[distance > 0]
                rare[int(label)] = float(np.quantile(apart, RARE)) if len(apart) else 0.0
            far[int(label)] = np.sort(_to_class(points, sample, of_label)) if len(of_label) > 1 else np.zeros(0)
    return Space(points, classes, train, near, far, rare)


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
        rough = _up_to_own_length(points[part], others, lengths)
        itself = column[part]
        rough[itself >= 0, itself[itself >= 0]] = np.inf
        best = _smallest(rough, proposed)
        exact = _distances(points[part], others[best])
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
    others = points[candidates]
    lengths = np.einsum("ij,ij->i", others, others)
    rows = block or max(1, BLOCK_BYTES // (4 * max(len(candidates), 1)))
    for start in range(0, len(queries), rows):
        part = queries[start : start + rows]
        yield part, _up_to_own_length(points[part], others, lengths)


def list_neighbours(
    population: Population, where: Int[ndarray, " rank"], distance: Float[ndarray, " rank"]
) -> tuple[Neighbour, ...]:
    """Return the neighbours of one example with their ids, without the ranks that are not filled."""
    classes = class_of_each(population)
    return tuple(
        Neighbour(int(at), str(population.ids[at]), int(classes[at]), float(far))
        for at, far in zip(where, distance, strict=True)
        if at >= 0
    )


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


def _smallest(values: Float[ndarray, "row column"], count: int) -> NDArray[np.intp]:
    """Return the columns of the `count` smallest of each row, in no order.

    Of long rows, the columns are first put into groups: the smallest values lie in the groups with the smallest minima.
    """
    columns = values.shape[1]
    width = columns // GROUP
    if columns < LONG or width < 2 * count:
        return np.argpartition(values, count - 1, axis=1)[:, :count]
    minima = values[:, : GROUP * width].reshape(-1, GROUP, width).min(axis=1)
    groups = np.argpartition(minima, count - 1, axis=1)[:, None, :count]
    rest = np.arange(GROUP * width, columns)
    members = (groups + width * np.arange(GROUP)[:, None]).reshape(len(values), -1)
    members = np.concatenate([members, np.broadcast_to(rest, (len(values), len(rest)))], axis=1)
    best = np.argpartition(np.take_along_axis(values, members, axis=1), count - 1, axis=1)[:, :count]
    return np.take_along_axis(members, best, axis=1)


def _points(population: Population, train: Int[ndarray, " train"]) -> NDArray[np.float32]:
    if population.display.kind == "text":  # a difference of token ids means nothing
        return np.zeros((len(population), 0), np.float32)
    inputs = population.inputs.reshape(len(population), -1)
    points = inputs.astype(np.float32)
    features = max(points.shape[1], 1)
    if not len(train):
        return points / np.float32(np.sqrt(features))
    points /= np.float32(255) if inputs.dtype == np.uint8 else _or_one(points[train].std(axis=0))
    points -= points[train].mean(axis=0)  # smaller numbers, smaller rounding; distances stay
    points /= np.float32(np.sqrt(features))
    return points


def _or_one(spread: Float[ndarray, " feature"]) -> Float[ndarray, " feature"]:
    constant: Bool[ndarray, " feature"] = spread == 0
    return np.where(constant, 1, spread).astype(np.float32)


def _distances(
    queries: Float[ndarray, "query feature"], others: Float[ndarray, "query rank feature"]
) -> NDArray[np.float64]:
    difference = others - queries[:, None]
    return np.sqrt(np.einsum("qrf,qrf->qr", difference, difference, dtype=np.float64))


def _to_class(
    points: Float[ndarray, "example feature"], queries: Int[ndarray, " query"], same: Int[ndarray, " candidate"]
) -> Float[ndarray, " query"]:
    """Return the mean distance to the nearest USUAL_NEIGHBOURS examples among `same`, or to all if there are fewer."""
    distance = nearest(points, queries, same, min(USUAL_NEIGHBOURS, max(len(same) - 1, 1)))[1]
    return distance.mean(axis=1)
