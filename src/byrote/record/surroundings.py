"""What the data alone say about each training example: do its nearest neighbours share its label, and how near are they?"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.record.nearest import as_points, nearest

NEIGHBOURS = 15
"""How many nearest other examples are looked at."""

BANK = 5_000
"""Neighbours are searched among so many examples at most, evenly spread over the record, so that time is linear in the end."""

SAME_GROUP = 30
"""So many further neighbours are looked at where there are groups, whose other members are left out of runs too."""

NEAREST = 0.01
"""A distance counts as this share of the median one at least, so that an exact copy is near, and not infinitely so."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """One value per example; NaN for tests and where nothing is known. Nothing here knows which runs an example was in.

    `label_agreement` is the log-odds of the share of the neighbours that have its label, (k + 1/2) / (n - k + 1/2).
    `class_separation` is the logarithm of the distance to the nearest example of another class over that to the nearest
    of its own; one that is beyond the neighbours looked at counts as being as far as the last of them. `isolation` is the
    logarithm of the mean distance to the neighbours, over the median of all.
    """

    label_agreement: Float[ndarray, " example"]
    class_separation: Float[ndarray, " example"]
    isolation: Float[ndarray, " example"]


COLUMNS = tuple(each.name for each in fields(Surroundings))
"""The names under which scores read them."""


def surroundings(
    inputs: Any, labels: NDArray[Any], groups: NDArray[np.str_], taught: Bool[ndarray, " example"]
) -> Surroundings:
    """Return what is around each example that is `taught`, by the distance between inputs; NaN for the others.

    All is NaN where inputs are no numbers of one shape, and where labels are no classes. Of the other examples that are
    taught, those of the example's own group are no neighbours, since they are left out together with it.
    """
    unknown = np.full((len(COLUMNS), len(labels)), np.nan)
    who = np.flatnonzero(taught)
    is_class = labels.ndim == 1 and labels.dtype.kind in "iu"
    if not is_class or not isinstance(inputs, np.ndarray) or not inputs[:1].size or len(who) < 2:
        return Surroundings(*unknown)
    bank = who[np.linspace(0, len(who) - 1, min(BANK, len(who))).astype(np.int64)]
    looked_at = NEIGHBOURS + (SAME_GROUP if (groups[who] != "").any() else 0)
    parts = [_nearest(inputs, groups, who[at : at + BANK], bank, looked_at) for at in range(0, len(who), BANK)]
    if any(part is None for part in parts):
        return Surroundings(*unknown)
    where, distance = (np.concatenate(each) for each in zip(*(part for part in parts if part), strict=True))
    unknown[:, who] = _described(labels[who], labels[where], distance)
    return Surroundings(*unknown)


def _nearest(
    inputs: NDArray[Any], groups: NDArray[np.str_], part: Int[ndarray, " query"], bank: Int[ndarray, " bank"], k: int
) -> tuple[Int[ndarray, "query near"], Float[ndarray, "query near"]] | None:
    """Return positions and distances of the nearest of the bank, without itself and its group; None where an input is no number.

    Distances are measured as the bank has them, so they are the same for every part. NaN where fewer than NEIGHBOURS are left.
    """
    points = as_points(np.concatenate([inputs[bank], inputs[part]]), np.arange(len(bank)))
    if not np.isfinite(points).all():
        return None
    k = min(k + 1, len(bank))  # one more, since it may be in the bank itself
    where, distance = nearest(points, len(bank) + np.arange(len(part)), np.arange(len(bank)), k)
    where = bank[where]
    together = (groups[where] == groups[part][:, None]) & (groups[part] != "")[:, None]
    return _without(together | (where == part[:, None]), where, distance)


def _without(
    left_out: Bool[ndarray, "query rank"], where: Int[ndarray, "query rank"], distance: Float[ndarray, "query rank"]
) -> tuple[Int[ndarray, "query near"], Float[ndarray, "query near"]]:
    """Return the nearest NEIGHBOURS that are not left out; where there are fewer, the rest is at a distance of NaN."""
    order = np.argsort(left_out, axis=1, kind="stable")[:, :NEIGHBOURS]
    kept = np.where(left_out, np.nan, distance)
    return np.take_along_axis(where, order, axis=1), np.take_along_axis(kept, order, axis=1)


def _described(
    labels: Int[ndarray, " query"], near_labels: Int[ndarray, "query near"], distance: Float[ndarray, "query near"]
) -> Float[ndarray, "3 query"]:
    """Return the three values of each query from its neighbours' labels and distances, nearest first."""
    known = np.isfinite(distance)
    count, total = known.sum(axis=1), np.where(known, distance, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    usual = float(np.nanmedian(mean)) if (count > 0).any() else np.nan
    if not usual > 0:  # all are copies of each other, or nobody has a neighbour
        return np.full((len(COLUMNS), len(labels)), np.nan)
    same, last = near_labels == labels[:, None], np.max(distance, axis=1, initial=0.0, where=known)
    agreeing = (same & known).sum(axis=1)
    of_class, of_other = (
        np.maximum(np.min(np.where(use & known, distance, np.inf), axis=1), 0.0) for use in (same, ~same)
    )
    least = NEAREST * usual
    of_class, of_other = (np.maximum(np.minimum(each, last), least) for each in (of_class, of_other))
    agreement = np.log((agreeing + 0.5) / (count - agreeing + 0.5))
    values = np.stack([agreement, np.log(of_other / of_class), np.log(np.maximum(mean, least) / usual)])
    return np.where(count > 0, values, np.nan)
