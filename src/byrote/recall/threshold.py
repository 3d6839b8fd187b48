"""Threshold: how near a stored key has to be for an answer, so that few queries without a counterpart are answered."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import beta

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class Threshold:
    """Queries nearer than `distance` to a stored key are known.

    `false_accept` is the share of queries without a stored counterpart that are known all the same: low is good. Its value
    is the most that it is on average over calibrations, and its interval is where it lies for this one, given that the
    queries to come are drawn as the impostors were and that the memory holds what it held. `requested` is what was to be kept.
    """

    distance: float
    requested: float
    false_accept: Estimate


@checked
def threshold_at(impostors: Float[ndarray, " query"], false_accept: float, *, level: float = 0.9) -> Threshold:
    """Return the greatest threshold that keeps the false-accept rate, from distances of impostors to their nearest key.

    Impostors are queries of which the memory holds no counterpart: other persons, other objects. With the m-th smallest of
    n distances, m = floor(false_accept x (n + 1)), a further impostor is nearer with a probability of m / (n + 1) at most
    (split conformal prediction; Vovk, Gammerman, Shafer 2005), and given these impostors the rate is a Beta(m, n + 1 - m).
    Impostors have to be independent: several pictures of one person are not. Raises InvalidData where n is too small for
    the rate (at least 1 / false_accept - 1 are needed), for NaN, and for a rate that is not between 0 and 1.
    """
    count = len(impostors)
    if not 0 < false_accept < 1:
        raise InvalidData(
            f"A false-accept rate of {false_accept!r} cannot be kept. Give one between 0 and 1, such as .01."
        )
    if np.isnan(impostors).any():
        raise InvalidData("Distances of impostors are NaN. Give finite keys.")
    rank = rank_at(count, false_accept)
    if rank < 1:
        raise InvalidData(
            f"{count} impostors cannot show a false-accept rate of {false_accept:g}. Give at least {int(np.ceil(1 / false_accept - 1 - 1e-9))}, or a higher rate."
        )
    tails: Any = beta.ppf([(1 - level) / 2, (1 + level) / 2], rank, count + 1 - rank)
    rate = Estimate(rank / (count + 1), float(tails[0]), float(tails[1]), count, "impostors", level)
    return Threshold(float(np.sort(impostors)[rank - 1]), false_accept, rate)


def rank_at(count: int, false_accept: float) -> int:
    """Return which of so many distances of impostors, from 1 for the smallest, is the threshold; below 1 there are too few."""
    return int(np.floor(false_accept * (count + 1) + 1e-9))
