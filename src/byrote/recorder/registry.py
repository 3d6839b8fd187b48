"""Registry: the examples that a run speaks of. A position for each id, and the one label that it has in all steps and runs."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.record import check_text, make_id, name_of, no_labels, split_of
from byrote.recorder.ids import check

Split = Literal["train", "test"]
Positions = NDArray[np.int64]


class Registry:
    """Positions of ids, in the order in which they came. With a `refusal`, which says why, no others may come."""

    def __init__(self, names: Sequence[str], labels: NDArray[Any], refusal: str = "") -> None:
        self.names: list[str] = []
        self._labels = labels[:0]
        self._known: dict[str, dict[int | str, int]] = {"train": {}, "test": {}}
        self._tables = {"train": np.zeros(0, np.int64), "test": np.zeros(0, np.int64)}
        self._array = pa.array([], pa.string())
        self._refusal = ""
        self.add(names, labels)
        self._refusal = refusal

    def add(self, names: Sequence[str], labels: NDArray[Any]) -> None:
        """Enter names such as `train/7`, or raise InvalidData where a label differs from the one that is here."""
        parts = ((split_of(name), name_of(name)) for name in names)
        self.label(np.array([self._enter(split, each) for split, each in parts], np.int64), labels)

    def positions(self, split: Split, ids: NDArray[np.int64] | list[Any]) -> Positions:
        """Return where these ids of a split are, after entering the new ones."""
        if isinstance(ids, list):
            return self._look_up(split, ids)
        table, low, high = self._tables[split], ids.min(initial=0), int(ids.max(initial=0))
        if low >= 0 and high < len(table) and (where := table[ids]).min(initial=0) >= 0:
            return where
        where = self._look_up(split, ids.tolist())
        if low >= 0 and high < 8 * len(self.names):  # dense enough for a table, which is faster than a dictionary
            self._tables[split] = _grown(table, high + 1)
            self._tables[split][ids] = where
        return where

    def label(self, where: Positions, labels: NDArray[Any]) -> None:
        """Give the examples that have none their label; raise InvalidData where it is another one than before."""
        if not len(self._labels):
            self._labels = labels[:0]
        if self._labels.shape[1:] != labels.shape[1:]:
            raise InvalidData(
                f"Labels have shape {labels.shape[1:]} for an example here and {self._labels.shape[1:]} elsewhere in the record. Give the same everywhere."
            )
        missing = no_labels(self._labels, len(self.names) - len(self._labels))
        self._labels = np.concatenate([self._labels, missing]) if len(missing) else self._labels
        new = ~_is_label(self._labels[where])
        self._labels[where[new]] = labels[new]
        differs = (self._labels[where] != labels).any(axis=tuple(range(1, labels.ndim)))
        for bad in np.flatnonzero(differs)[:1]:
            at = where[bad]
            raise InvalidData(
                f"{self.names[at]!r} has label {labels[bad]} here and {self._labels[at]} elsewhere in the record. "
                "An id must always be the same example: wrap the dataset in byrote.with_ids before shuffling or taking subsets."
            )

    def array(self) -> pa.Array:
        """Return the names."""
        if len(self._array) != len(self.names):
            self._array = pa.array(self.names, pa.string())
        return self._array

    def _look_up(self, split: Split, ids: list[Any]) -> Positions:
        check(ids)
        known = self._known[split]
        for each in ids:
            if each not in known:
                self._enter(split, each)
        return np.fromiter(map(known.__getitem__, ids), np.int64, len(ids))

    def _enter(self, split: str, each: int | str) -> int:
        known, name = self._known[split], str(each)
        if name not in known:
            if self._refusal:
                raise InvalidData(f"{make_id(split, name)!r} was recorded, but {self._refusal}")
            check_text("The id", [name])
            known[name] = len(self.names)
            self.names.append(make_id(split, name))
        known[each] = known[name]
        return known[name]


def _is_label(labels: NDArray[Any]) -> Bool[ndarray, " example"]:
    present: NDArray[np.bool_] = np.asarray(~np.isnan(labels) if labels.dtype.kind == "f" else labels >= 0)
    return np.asarray(present.any(axis=tuple(range(1, labels.ndim))))  # a text may be shorter than its row


def _grown(array: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.concatenate([array, np.full(n - len(array), -1)]) if len(array) < n else array
