"""Look-alikes: pairs of similar examples, chosen by their inputs alone, without any prediction of a model."""

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from byrote.explain.neighbours import Space, nearest
from byrote.record import Population

LOOK_ALIKES = 10
"""A training example is a look-alike of a target if it is among this many nearest ones of the target's label."""


def look_alikes(
    population: Population, space: Space, sources: Int[ndarray, " source"], targets: Int[ndarray, " target"]
) -> Bool[ndarray, "source target"]:
    """Return which source is a look-alike of which target; none is where the record kept no inputs."""
    alike = np.zeros((len(sources), len(targets)), np.bool_)
    row = np.full(len(population), -1, np.int64)
    row[sources] = np.arange(len(sources))
    train = np.flatnonzero(population.where("train") | (row >= 0))
    for label in np.unique(space.classes[targets]):
        of_label = np.flatnonzero(space.classes[targets] == label)
        same = train[space.classes[train] == label]
        where, _ = nearest(space.points, targets[of_label], same, LOOK_ALIKES)
        rows = np.where(where >= 0, row[where], -1)
        at, rank = np.nonzero(rows >= 0)
        alike[rows[at, rank], of_label[at]] = True
    return alike
