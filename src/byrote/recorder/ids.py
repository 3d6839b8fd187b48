"""Ids: the stable names of examples, and `with_ids`, which sends them through a data loader."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import add
from typing import Any

import numpy as np

from byrote.errors import InvalidData


class WithIds:
    """A map-style dataset whose items carry their ids: `(*item, id)`. Made by `with_ids`."""

    def __init__(self, dataset: Any, ids: Sequence[int | str]) -> None:
        self.dataset = dataset
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return _named([self.dataset[index]], [self.ids[index]])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return a batch; loaders ask for it when it is there, and it is faster than one item at a time."""
        batch = getattr(self.dataset, "__getitems__", None)
        items = batch(indices) if batch else [self.dataset[index] for index in indices]
        return _named(items, [self.ids[index] for index in indices])


def with_ids(dataset: Any, ids: Any = None) -> WithIds:
    """Return the dataset with a stable id at the end of each item, which thereby goes through shuffling and loader workers.

    `ids` are whole numbers or strings, one per item (default: its position). Wrap the dataset before you take subsets
    of it, so that an example has one id in all runs. Raises InvalidData for a dataset without positions, and for ids
    that are repeated or of another number.
    """
    if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise InvalidData(
            f"{type(dataset).__name__} has no positions to take ids from. Let it yield an id with each item itself."
        )
    if ids is None:
        return WithIds(dataset, range(len(dataset)))
    names = listed(ids)
    if len(names) != len(dataset):
        raise InvalidData(f"There are {len(dataset)} items but {len(names)} ids. Give one to each item.")
    check(names)
    twice = [name for name, count in Counter(map(str, names)).items() if count > 1]
    if twice:
        raise InvalidData(
            f"{len(twice)} ids are used more than once, for example {twice[0]!r}. Give every item its own."
        )
    return WithIds(dataset, names)


def listed(ids: Any) -> list[Any]:
    """Return ids as Python values; raise InvalidData for what is no sequence of them."""
    if isinstance(ids, str | bytes) or not hasattr(ids, "__len__") or getattr(ids, "ndim", 1) != 1:
        raise InvalidData(
            f"Ids must be a sequence, one for each example, but they are {describe(ids)}. Let the loader yield them: byrote.with_ids."
        )
    return ids.tolist() if hasattr(ids, "tolist") else list(ids)


def check(ids: Sequence[Any]) -> None:
    """Raise InvalidData unless all are whole numbers or strings; True is not 1 here."""
    for kind in set(map(type, ids)):
        if kind is bool or not issubclass(kind, int | str | np.integer):
            odd = next(each for each in ids if type(each) is kind)
            raise InvalidData(
                f"Ids must be whole numbers or strings, but there is {odd!r}. Give every example one that is stable."
            )


def describe(value: Any) -> str:
    """Return what a wrong value is: its shape and type when it has them."""
    shape = getattr(value, "shape", None)
    return repr(value)[:60] if shape is None else f"of shape {tuple(shape)} and type {value.dtype}"


def _named(items: Iterable[Any], ids: Iterable[int | str]) -> list[tuple[Any, ...]]:
    entries = [
        item if isinstance(item, tuple) else tuple(item) if isinstance(item, list) else (item,) for item in items
    ]
    return list(map(add, entries, zip(ids)))  # in each batch, and several times faster than (*item, id)
