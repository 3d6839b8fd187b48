"""Copies: rows of a table that are equal, and groups that they and the user's own groups make together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from byrote.inputs.columns import Column

MIX = np.uint64(0x9E3779B97F4A7C15)
"""The odd number that spreads keys over 64 bits (Steele et al., 2014, SplitMix)."""


def equal_rows(columns: Sequence[Column]) -> tuple[NDArray[np.int64], float]:
    """Return a number for each row that rows with the same values share, and how many equal pairs chance alone would make.

    The second is for columns that are independent of each other: with few columns of few values, equal rows are no copies. Rows
    are told apart by 64 bits of a hash of all their values.
    """
    count = len(columns[0].missing)
    total = np.zeros(count, np.uint64)
    for column in columns:
        total = (total ^ column.bits.astype(np.uint64)) * MIX
        total ^= total >> np.uint64(29)
    same = np.unique(total, return_inverse=True)[1].astype(np.int64)
    if int(same.max()) + 1 == count:
        return same, 0.0
    chance = count * (count - 1) / 2
    for column in columns:
        times = np.unique(column.bits, return_counts=True)[1].astype(np.float64)
        chance *= float((times * (times - 1)).sum()) / (count * max(count - 1, 1))
    return same, chance


def merged(groups: NDArray[np.str_], same: NDArray[np.int64], ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return groups in which equal rows (and all groups that equal rows link) are one group.

    A group has the name of its first row's group; where that has none, "copies of" the first row's id. Rows without a copy
    keep what they have.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    own = groups != ""
    names, codes = np.unique(groups[own], return_inverse=True)
    count, rows = len(groups), np.arange(len(groups))
    columns = np.concatenate([count + same, count + int(same.max()) + 1 + codes])
    links = np.concatenate([rows, rows[own]])
    size = count + int(same.max()) + 1 + len(names)
    parts = connected_components(
        coo_array((np.ones(len(links)), (links, columns)), shape=(size, size)), directed=False
    )[1][:count]
    _, first, part, sizes = np.unique(parts, return_index=True, return_inverse=True, return_counts=True)
    named = np.full(len(first), "", dtype=object)
    for at in np.flatnonzero(own)[::-1].tolist():
        named[part[at]] = groups[at]
    alone = (named == "") & (sizes > 1)
    named[alone] = [f"copies of {name}" for name in ids[first[alone]].tolist()]
    return named[part].astype(np.str_)
