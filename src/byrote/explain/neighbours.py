"""Examples as points, and which distances between them are near or far in each class."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.arrays import checked
from byrote.record import Population
from byrote.record.inputs import is_picture
from byrote.record.nearest import SHORT, WORK, as_points, nearest

NEAR_DUPLICATE = 0.4
"""A near-duplicate is closer than this share of the median nearest-neighbour distance of its class."""

RARE = 0.01
"""Where inputs are no byte pictures, only this share of the training examples is as close to another one as a near-duplicate."""

AROUND, CLOSE = 5, 0.1
"""What is nearer than this share of the distance of the neighbour of this rank is a near-duplicate too."""

REFERENCES = 500
"""Examples of each class whose distances are the reference for near and far (all, when the class is smaller)."""

FEWEST = 30
"""References of a class at least, where there are so many classes that not all can have REFERENCES."""

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

    @cached_property
    def members(self) -> dict[int, NDArray[np.int64]]:
        """The real training examples of each class."""
        return by_class(self.classes, self.train)

    @property
    def empty(self) -> bool:
        """Whether the record has no inputs that can be compared."""
        return self.points.shape[1] == 0

    @checked
    def remoteness(self, positions: Int[ndarray, " query"]) -> Float[ndarray, " query"]:
        """Return the share of its class that is closer to the class than each: 1 is the farthest out; NaN if unknown."""
        share = np.full(len(positions), np.nan)
        for label, numbers in by_class(self.classes[positions], np.arange(len(positions))).items():
            usual = self.far.get(label, np.zeros(0))
            if len(usual) > 1:
                distance = _to_class(self.points, positions[numbers], self.members[label])
                share[numbers] = np.searchsorted(usual, distance) / len(usual)
        return share

    def also(self, population: Population) -> "Space":
        """Return the points of a population with the same training examples and further ones; the usual distances stay."""
        return replace(self, points=_points(population, self.train), classes=class_of_each(population))

    def first(self, count: int) -> "Space":
        """Return the space of the first so many examples, of which the others are tests: the usual distances stay."""
        return replace(self, points=self.points[:count], classes=self.classes[:count])

    @checked
    def distance_to(
        self, positions: Int[ndarray, " query"], labels: Int[ndarray, " query"]
    ) -> Float[ndarray, " query"]:
        """Return how far each is from the nearest examples of the label given with it, where 1 is the fence of that class.

        Beyond the fence (Tukey's) an example of the class would be an outlier. NaN where this is unknown.
        """
        times = np.full(len(positions), np.nan)
        for label, numbers in by_class(labels, np.arange(len(labels))).items():
            usual = self.far.get(label, np.zeros(0))
            lower, upper = np.quantile(usual, (0.25, 0.75)) if len(usual) > 1 else (0.0, 0.0)
            if upper > 0:
                far = _to_class(self.points, positions[numbers], self.members[label])
                times[numbers] = far / (upper + FENCE * (upper - lower))
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
    if points.shape[1] and len(train):
        members = by_class(classes, train)
        samples = _samples(members, points, len(train), seed)
        chosen = np.concatenate([np.zeros(0, np.int64), *samples.values()])
        distances = nearest(points, chosen, train, 1)[1][:, 0]
        ends = np.cumsum([len(sample) for sample in samples.values()])
        for label, distance in zip(samples, np.split(distances, ends[:-1]), strict=True):
            near[label] = float(np.median(distance))
            if not is_picture(population.inputs):
                apart = distance[distance > 0]
                rare[label] = float(np.quantile(apart, RARE)) if len(apart) else 0.0
            same = members[label]
            far[label] = np.sort(_to_class(points, samples[label], same)) if len(same) > 1 else np.zeros(0)
    return Space(points, classes, train, near, far, rare)


def by_class(classes: Int[ndarray, " example"], positions: Int[ndarray, " some"]) -> dict[int, NDArray[np.int64]]:
    """Return the positions of each class that there is among these, in their order."""
    order = np.argsort(classes[positions], kind="stable")
    labels, starts = np.unique(classes[positions][order], return_index=True)
    parts = np.split(positions[order], starts[1:]) if len(labels) else []
    return {int(label): part for label, part in zip(labels, parts, strict=True)}


def _samples(
    members: Mapping[int, NDArray[np.int64]], points: Float[ndarray, "example feature"], train: int, seed: int
) -> dict[int, NDArray[np.int64]]:
    """Return REFERENCES examples of each class, fewer where to compare them with all `train` examples takes more than WORK."""
    rng, affordable = np.random.default_rng(seed), WORK / max(train * max(points.shape[1], SHORT), 1)
    of_class = REFERENCES
    while of_class > FEWEST and sum(min(of_class, len(each)) for each in members.values()) > affordable:
        of_class = max(FEWEST, of_class // 2)
    return {label: rng.permutation(each)[:of_class] for label, each in members.items()}


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


def _points(population: Population, train: Int[ndarray, " train"]) -> NDArray[np.float32]:
    if population.display.kind == "text":  # a difference of token ids means nothing
        return np.zeros((len(population), 0), np.float32)
    return as_points(population.inputs, train)


def _to_class(
    points: Float[ndarray, "example feature"], queries: Int[ndarray, " query"], same: Int[ndarray, " candidate"]
) -> Float[ndarray, " query"]:
    """Return the mean distance to the nearest USUAL_NEIGHBOURS examples among `same`, or to all if there are fewer."""
    distance = nearest(points, queries, same, min(USUAL_NEIGHBOURS, max(len(same) - 1, 1)))[1]
    return distance.mean(axis=1)
