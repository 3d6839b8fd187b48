"""A memory whose entries are in a table of a database, which other programs may change too."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float32, Shaped
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.recall.answers import Answers
from byrote.recall.deletion import Deletion, copies
from byrote.recall.entries import as_ids, check_new, check_one_each, check_there
from byrote.recall.fingerprint import MODULUS, fingerprint
from byrote.recall.impostors import Impostors
from byrote.recall.index import Metric
from byrote.recall.keys import as_keys
from byrote.recall.threshold import Threshold
from byrote.recall.values import as_values


@dataclass(frozen=True, eq=False)
class Rows:
    """Entries of a table, in the order of adding. Values are texts of JSON."""

    ids: list[str]
    values: list[str]
    keys: Float32[ndarray, "row width"]


@dataclass(frozen=True, eq=False)
class Nearest:
    """What a table finds: at most k entries a query, nearest first; distance infinite and id "" where there are fewer."""

    ids: Shaped[ndarray, "query k"]
    values: Shaped[ndarray, "query k"]
    distances: Float32[ndarray, "query k"]


class Table(Protocol):
    """What a database has to be able to do. Ids are known to be new, or to be there, when a method gets them."""

    width: int
    metric: Metric

    def change(self) -> AbstractContextManager[None]:
        """Keep other writers out, and what is done in the block together, as far as the database can."""
        ...

    def view(self) -> AbstractContextManager[None]:
        """Show one state of the table to all that is read in the block, as far as the database can."""
        ...

    def version(self) -> int:
        """Return a number that is another one after keys or impostors were changed, by whatever program."""
        ...

    def count(self) -> int:
        """Return how many entries there are."""
        ...

    def read(self, ids: Sequence[str] | None = None) -> Rows:
        """Return entries of ids that are there, or all, in the order of adding."""
        ...

    def there(self, ids: Sequence[str]) -> set[str]:
        """Return which ids are there."""
        ...

    def last(self) -> int:
        """Return a number that is greater than the number of any entry added so far."""
        ...

    def insert(self, rows: Rows) -> None:
        """Append entries."""
        ...

    def set_values(self, ids: Sequence[str], values: Sequence[str]) -> None:
        """Give entries other values."""
        ...

    def remove(self, ids: Sequence[str]) -> None:
        """Remove entries."""
        ...

    def nearest(self, queries: Float32[ndarray, "query width"], k: int) -> Nearest:
        """Return the nearest entries, equals in the order of adding."""
        ...

    def read_impostors(self) -> tuple[Float32[ndarray, "query width"], float] | None:
        """Return what `write_impostors` kept."""
        ...

    def write_impostors(self, queries: Float32[ndarray, "query width"], false_accept: float) -> None:
        """Keep queries of which nothing is stored, in place of those before."""
        ...


class TableMemory:
    """The methods of `byrote.recall.Memory`, over a table. Whatever another program changes there holds at the next call.

    What is looked up is exact unless the table has an approximate index of its own. Deleting removes entries from the table; what
    the database keeps of them besides (logs, old versions, backups) is its own matter, and stands with each adapter.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._impostors: Impostors | None = None
        self._version: int | None = None

    @property
    def width(self) -> int:
        """How many numbers a key has."""
        return self._table.width

    @property
    def metric(self) -> Metric:
        """How distances are measured: "cosine" or "euclidean"."""
        return self._table.metric

    def __len__(self) -> int:
        return self._table.count()

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and bool(self._table.there([id_]))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the order in which they were added."""
        return tuple(self._table.read().ids)

    @property
    def values(self) -> ndarray:
        """The values, in the order of `ids`."""
        return as_values(_decoded(self._table.read().values))

    def keys(self, ids: Sequence[str] | None = None) -> Float32[ndarray, "entry width"]:
        """Return the stored keys of some ids, or all in the order of `ids`. Raises InvalidData for ids that it does not hold."""
        if ids is None:
            return self._table.read().keys
        with self._table.view():
            return self._read(ids).keys

    @property
    def fingerprint(self) -> int:
        """A number of what it holds, as that of `byrote.recall.Memory`. It reads all entries."""
        return _fingerprint(self._table.read())

    def look_up(self, keys: Any, k: int = 1) -> Answers:
        """Return the `k` nearest stored keys of each query [query, width], and whether the nearest is near enough."""
        queries = as_keys(keys, self.width, self.metric)
        if isinstance(k, bool) or k < 1:
            raise InvalidData(f"k={k!r} keys cannot be looked up. Give 1 or more.")
        with self._table.view():
            threshold = self.threshold
            found = self._table.nearest(queries, k)
        known = np.isfinite(found.distances[:, 0])
        if threshold is not None:
            known &= found.distances[:, 0] < threshold.distance
        values = np.full(found.values.shape, None, object)
        there = np.isfinite(found.distances)
        values[there] = _decoded(found.values[there].tolist())
        return Answers(found.ids, values, found.distances, known)

    def add(self, keys: Any, values: Any, ids: Sequence[str] | None = None) -> tuple[str, ...]:
        """Store keys [entry, width] with their values; nothing is evicted. Where it raises InvalidData, nothing is stored."""
        new, held = as_keys(keys, self.width, self.metric), as_values(values)
        with self._table.change():
            names = self._new_ids(len(new)) if ids is None else as_ids(ids)
            check_one_each(new, held, names)
            check_new(names, sorted(self._table.there(names)))
            impostors = self._current()
            if impostors is not None:
                impostors.check_added(new)
            self._table.insert(Rows(names, [json.dumps(value) for value in held.tolist()], new))
            if impostors is not None and len(new):
                impostors.added(new, np.array(names, object), self.metric)
            self._version = self._table.version()
        return ()

    def update(self, ids: Sequence[str], values: Any) -> None:
        """Give other values to entries that are there. Raises InvalidData for ids that it does not hold; then nothing changes."""
        new = as_values(values)
        with self._table.change():
            self._check_there(ids)
            if len(new) != len(ids):
                raise InvalidData(f"There are {len(ids)} ids and {len(new)} values. Give one each.")
            self._table.set_values(ids, [json.dumps(value) for value in new.tolist()])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove entries. Raises InvalidData for ids that it does not hold; then nothing is removed."""
        with self._table.change():
            self._check_there(ids)
            impostors = self._current()
            self._table.remove(ids)
            if impostors is not None:
                impostors.deleted(np.array(ids, object), self._search)
            self._version = self._table.version()

    def delete_and_prove(self, ids: Sequence[str]) -> Deletion:
        """Remove entries, and return what shows that the table has them no more. It reads all entries twice."""
        with self._table.change():
            gone = self._read(ids)
            expected = (self.fingerprint - _fingerprint(gone)) % MODULUS
            self.delete(ids)
            left = self._table.read()
            impostors = self._current()
            among = copies(gone.keys, left.keys) + (0 if impostors is None else copies(gone.keys, impostors.queries))
            now, answers = _fingerprint(left), self.look_up(gone.keys, k=min(5, len(left.ids)) or 1)
        return Deletion(tuple(ids), now, now == expected, answers, among)

    def calibrate(self, impostors: Any, false_accept: float) -> Threshold:
        """Set the threshold beyond which a query is not known, as Memory does. The impostors are kept in a table of their own."""
        queries = as_keys(impostors, self.width, self.metric)
        with self._table.change():
            if not len(self):
                raise InvalidData("An empty memory has no distances to calibrate by. Add entries first.")
            found = Impostors(queries, false_accept, self._search)
            found.check()
            self._impostors = found
            self._table.write_impostors(queries, false_accept)
            self._version = self._table.version()
        return found.threshold

    @property
    def threshold(self) -> Threshold | None:
        """The threshold for what it holds now; None where it was not calibrated, or holds nothing."""
        impostors = self._current()
        return None if impostors is None or not len(self) else impostors.threshold

    # --- its own

    def _current(self) -> Impostors | None:
        """Return the impostors with their nearest keys, looked up anew where another program has changed keys."""
        version = self._table.version()
        if version != self._version:
            kept = self._table.read_impostors()
            self._impostors = None if kept is None else Impostors(*kept, self._search)
            self._version = version
        return self._impostors

    def _search(self, queries: Float32[ndarray, "query width"]) -> tuple[ndarray, ndarray]:
        found = self._table.nearest(queries, 1)
        return found.distances[:, 0], found.ids[:, 0]

    def _read(self, ids: Sequence[str]) -> Rows:
        """Return entries in the order of `ids`; raise InvalidData for ids that are not there, or given twice."""
        self._check_there(ids)
        found = self._table.read(ids)
        at = {id_: row for row, id_ in enumerate(found.ids)}
        order = [at[id_] for id_ in ids]
        return Rows(list(ids), [found.values[row] for row in order], found.keys[order])

    def _check_there(self, ids: Sequence[str]) -> None:
        names = as_ids(ids)
        check_there(names, self._table.there(names), len(self))

    def _new_ids(self, count: int) -> list[str]:
        start = self._table.last()
        while True:
            names = [str(start + i) for i in range(count)]
            if not self._table.there(names):
                return names
            start += count


def _decoded(values: Sequence[str]) -> list[Any]:
    return [json.loads(value) for value in values]


def _fingerprint(rows: Rows) -> int:
    return fingerprint(rows.ids, _decoded(rows.values), rows.keys)
