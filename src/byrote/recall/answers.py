"""Answers: what a memory finds for queries, with which stored key answered and how near it is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray


@dataclass(frozen=True, eq=False)
class Answers:
    """The nearest stored keys of each query, nearest first, at most k of them.

    `ids` [query, rank] name the stored keys ("" where there are fewer than k), `values` [query, rank] are what is stored
    with them (None where there is none), and `distances` [query, rank] say how far they are: 0 is the same key, high is far
    (cosine: 1 - cosine, from 0 to 2; euclidean: the length of the difference), infinite where there is none. `known`
    [query]: whether the nearest is within the memory's threshold. A query that is not known has no answer, although its
    nearest keys are listed.
    """

    ids: Shaped[ndarray, "query rank"]
    values: Shaped[ndarray, "query rank"]
    distances: Float[ndarray, "query rank"]
    known: Bool[ndarray, " query"]

    def __len__(self) -> int:
        return len(self.known)

    @property
    def answer(self) -> Shaped[ndarray, " query"]:
        """The value of the nearest key of each query; None where it is not known."""
        return known_values(self.values, self.known)

    @property
    def nearest(self) -> Float[ndarray, " query"]:
        """The distance of the nearest key of each query; infinite when nothing is stored."""
        return self.distances[:, 0]


def known_values(values: Shaped[ndarray, "query rank"], known: Bool[ndarray, " query"]) -> Shaped[ndarray, " query"]:
    """Return the first value of each query; None where it is not known."""
    found = np.empty(len(known), object)
    found[known] = values[known, 0]
    return found
