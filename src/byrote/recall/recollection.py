"""Recollection: a memory as an associative one, with the weight of each stored pattern in the answer (Ramsauer et al. 2020)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.recall.answers import known_values
from byrote.recall.associative import BLOCK, modern_update, modern_weights
from byrote.recall.memory import Memory
from byrote.recall.threshold import Threshold, threshold_at


@dataclass(frozen=True, eq=False)
class Recollection:
    """What a memory makes of queries, and which stored patterns it is made of.

    `ids` and `values` [query, rank] are stored patterns, the heaviest first, and `weights` [query, rank] their shares of the
    answer: 1 is all of it, and equal weights mean that no pattern stands out. `states` [query, width] are the patterns
    that were recollected. `known` [query]: whether the first weight is above the least one that was set.
    """

    ids: Shaped[ndarray, "query rank"]
    values: Shaped[ndarray, "query rank"]
    weights: Float[ndarray, "query rank"]
    states: Float[ndarray, "query width"]
    known: Bool[ndarray, " query"]

    def __len__(self) -> int:
        return len(self.known)

    @property
    def answer(self) -> Shaped[ndarray, " query"]:
        """The value of the heaviest pattern of each query; None where it is not known."""
        return known_values(self.values, self.known)


def recollect(
    memory: Memory, queries: Any, sharpness: float, *, updates: int = 1, least: float = 0.5, k: int = 1
) -> Recollection:
    """Return what the keys of a memory make of queries [query, width]; up to the weight `least` a query is not known.

    Keys and queries of a memory with the cosine have length 1. Weights are those in the last of the `updates` of
    `byrote.recall.associative.modern_update`. They depend on all that is stored: a pattern that is stored twice
    has half the weight each. A query far from all patterns still makes one the heaviest where `sharpness` is large;
    `weight_at` gives the weight that keeps a false-accept rate. Raises InvalidData for an empty memory, for queries of another
    width or not finite, for updates or k below 1, and for a `least` that is not between 0 and 1.
    """
    if updates < 1 or k < 1:
        raise InvalidData(f"updates={updates} and k={k} give no weights. Give 1 or more of each.")
    if not 0 <= least <= 1:
        raise InvalidData(f"A weight of {least!r} cannot be the least. Give one between 0 and 1.")
    given = memory.as_keys(queries).astype(np.float64)
    if not len(memory):
        raise InvalidData("An empty memory recollects nothing. Add entries first.")
    patterns = memory.keys().astype(np.float64)
    most, step = min(k, len(memory)), max(1, BLOCK // len(memory))
    rows, weights, states = (
        np.empty((len(given), most), np.int64),
        np.empty((len(given), most)),
        np.empty(given.shape),
    )
    for start in range(0, len(given), step):
        part = slice(start, start + step)
        before = modern_update(given[part], patterns, sharpness, updates=updates - 1)
        each = modern_weights(before, patterns, sharpness)
        rows[part] = np.argsort(-each, axis=1, kind="stable")[:, :most]
        weights[part] = np.take_along_axis(each, rows[part], 1)
        states[part] = each @ patterns
    return Recollection(
        np.array(memory.ids, object)[rows], memory.values.astype(object)[rows], weights, states, weights[:, 0] > least
    )


def weight_at(memory: Memory, impostors: Any, sharpness: float, false_accept: float, *, updates: int = 1) -> Threshold:
    """Return the threshold that keeps a false-accept rate, from queries of which nothing is stored.

    Its distance is minus the logarithm of a weight: give `least=math.exp(-threshold.distance)`. See
    `byrote.recall.threshold_at`. It holds for what the memory holds now: measure it again after a change.
    """
    found = recollect(memory, impostors, sharpness, updates=updates)
    return threshold_at(-np.log(found.weights[:, 0]), false_accept)
