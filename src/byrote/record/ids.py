"""Ids of a record: `split/` and the id that the user gave. Canaries are `canary/kind/...`."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "test", "canary")


def make_id(split: str, name: object) -> str:
    """Return the id in a record of what the user calls `name` in this split."""
    return f"{split}/{name}"


def make_ids(split: str, names: Iterable[object]) -> NDArray[np.str_]:
    """Return the ids in a record of all these."""
    return np.array([make_id(split, name) for name in names], np.str_)


def split_of(identifier: str) -> str:
    """Return the split that an id of a record is of; nothing when it is no such id."""
    split = identifier.partition("/")[0]
    return split if split in SPLITS else ""


def name_of(identifier: str) -> str:
    """Return what the user calls the example with this id of a record."""
    return identifier.partition("/")[2]
