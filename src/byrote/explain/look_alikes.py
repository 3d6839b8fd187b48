"""Look-alikes: pairs of similar examples, chosen by their inputs alone, without any prediction of a model."""

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.explain.neighbours import Space, by_class
from byrote.record import Population
from byrote.record.nearest import SHORT, WORK, nearest, smallest, squared_distances

LOOK_ALIKES = 10
"""A training example is a look-alike of a target if it is among this many nearest ones of the target's label."""

MANY = 2000
"""Where a label has more training examples than this, targets that are far from every source are left out beforehand."""

ROUNDING = 1e-4
"""How far a squared distance from a matrix product may be off, as a share of the largest."""


def look_alikes(
    population: Population, space: Space, sources: Int[ndarray, " source"], targets: Int[ndarray, " target"]
) -> tuple[Int[ndarray, " pair"], Int[ndarray, " pair"]]:
    """Return which sources (their number) look like which targets (theirs); none where the record kept no inputs."""
    rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    row = np.full(len(population), -1, np.int64)
    row[sources] = np.arange(len(sources))
    train = np.flatnonzero(population.where("train") | (row >= 0))
    members = by_class(space.classes, train)
    for label, of_label in by_class(space.classes[targets], np.arange(len(targets))).items():
        same = members.get(label, train[:0])
        own = same[row[same] >= 0]
        if not len(own):
            continue
        near = of_label[_may_have_one(space, targets[of_label], same, own)]
        where, _ = nearest(space.points, targets[near], same, LOOK_ALIKES)
        number = np.where(where >= 0, row[where], -1)
        at, rank = np.nonzero(number >= 0)
        rows.append(number[at, rank])
        columns.append(near[at])
    return np.concatenate(rows), np.concatenate(columns)


def affordable_targets(
    population: Population, space: Space, sources: Int[ndarray, " source"], targets: Int[ndarray, " target"]
) -> int:
    """Return for how many of the targets look-alikes can be looked for within WORK, if they are drawn at random."""
    number = _class_numbers(space.classes)
    train = np.bincount(number[population.where("train")], minlength=number.max(initial=0) + 1)
    of_source = np.bincount(number[sources], minlength=len(train))
    compared = np.where(of_source > 0, train, 0)
    compared = np.minimum(compared, 2 * np.sqrt(LOOK_ALIKES * of_source * train))[number[targets]]
    work = float(compared.sum()) * max(space.points.shape[1], SHORT)
    return len(targets) if work <= WORK else int(len(targets) * WORK / work)


def _class_numbers(classes: Int[ndarray, " example"]) -> Int[ndarray, " example"]:
    return np.unique(classes, return_inverse=True)[1]


def _may_have_one(
    space: Space, targets: Int[ndarray, " target"], same: Int[ndarray, " candidate"], sources: Int[ndarray, " source"]
) -> Bool[ndarray, " target"]:
    """Return which targets may have one of the sources among their nearest; none that has one is left out.

    The LOOK_ALIKES-th nearest of some candidates is never nearer than that of all. So a target whose nearest source is
    farther than that has no look-alike. Of few sources most targets are left out, at the price of a few candidates.
    """
    some = int(np.sqrt(LOOK_ALIKES * len(sources) * len(same)))
    if len(same) < MANY or 2 * (some + len(sources)) > len(same):
        return np.ones(len(targets), np.bool_)
    chosen = np.random.default_rng(0).permutation(same)[:some]
    may: list[NDArray[np.bool_]] = []
    for part, to_some in squared_distances(space.points, targets, chosen):
        ((_, to_sources),) = squared_distances(space.points, part, sources, block=len(part))
        nearest_ones = smallest(to_some, LOOK_ALIKES + 1)  # one more, for the target itself
        tenth = np.take_along_axis(to_some, nearest_ones, axis=1).max(axis=1)
        to_sources[part[:, None] == sources] = np.inf
        slack = ROUNDING * np.abs(to_some).max()
        may.append(to_sources.min(axis=1) <= tenth + slack)
    return np.concatenate(may)
