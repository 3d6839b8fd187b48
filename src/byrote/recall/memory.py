"""Memory: keys with values beside a network, that can be listed, looked up, changed and deleted one by one."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.recall.answers import Answers
from byrote.recall.deletion import Deletion, copies
from byrote.recall.entries import Entries, as_ids, check_one_each
from byrote.recall.files import Contents, Loaded, Manifest, Settings, write
from byrote.recall.fingerprint import MODULUS, fingerprint
from byrote.recall.impostors import Impostors
from byrote.recall.index import Index, Metric
from byrote.recall.indexes import make_index
from byrote.recall.keys import as_keys
from byrote.recall.threshold import Threshold
from byrote.recall.values import as_values
from byrote.record.arrow import arrow_stream
from byrote.record.storage import place

if TYPE_CHECKING:
    from upath import UPath

Eviction = Literal["oldest", "least_recently_used", "refuse"]

EVICTIONS: tuple[Eviction, ...] = ("oldest", "least_recently_used", "refuse")

FORGOTTEN = 4
"""Rows are dropped when one of so many is forgotten; until then they take RAM, with nothing in them."""


class Memory:
    """Keys of one width, each with an id and a value (a text, a number or a boolean), and how near a query is to them.

    A key is what an encoder makes of an example: pixels, the embedding of a network, the state of a language model.
    `metric` is "cosine" (keys are stored with length 1) or "euclidean". `index` is how the nearest are found: "exact",
    "approximate" (see `byrote.recall.approximate`), or an Index of your own, empty. `most` is how many entries there may be;
    the one that is evicted for a new one is the "oldest", the "least_recently_used" (a look-up uses its nearest key, where
    it is known), or none: "refuse". Bytes in RAM: 4 x width + about 230 an entry for the exact index, up to twice that
    while entries are added one by one.
    """

    def __init__(
        self,
        width: int,
        *,
        metric: Metric = "cosine",
        index: str | Index = "exact",
        most: int | None = None,
        evict: Eviction = "oldest",
    ) -> None:
        if isinstance(width, bool) or width < 1:
            raise InvalidData(f"A memory of keys of width {width!r} holds nothing. Give how many numbers a key has.")
        if metric not in ("cosine", "euclidean"):
            raise unknown("metric", metric, ("cosine", "euclidean"))
        if evict not in EVICTIONS:
            raise unknown("eviction", evict, EVICTIONS)
        if most is not None and most < 1:
            raise InvalidData(f"A memory of at most {most!r} entries holds nothing. Give 1 or more, or None.")
        self.metric: Metric = metric
        self.width, self.most = width, most
        self.evict: Eviction = evict
        self.index: Index = make_index(index, width, metric) if isinstance(index, str) else index
        if len(self.index):
            raise InvalidData(
                f"The index holds {len(self.index)} keys of which the memory knows no ids. Give an empty one."
            )
        self._entries = Entries()
        self._impostors: Impostors | None = None
        self._saved: tuple[str, Manifest] | None = None

    # --- what it holds

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Memory({len(self):,} entries of {self.width} numbers a key, {self.metric}, {self.index.name})"

    def __contains__(self, id_: object) -> bool:
        return id_ in self._entries

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the order in which they were added."""
        return self._entries.ids

    @property
    def values(self) -> ndarray:
        """The values, in the order of `ids`."""
        return self._entries.held.values[self._entries.rows]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give `id`, `value` and `key` of all entries to a library that reads Arrow: `polars.DataFrame(memory)`."""
        return arrow_stream({"id": self.ids, "value": self.values, "key": self.keys()}, requested_schema)

    def keys(self, ids: Sequence[str] | None = None) -> Float32[ndarray, "entry width"]:
        """Return the stored keys of some ids, or all in the order of `ids`. Raises InvalidData for ids that it does not hold."""
        return self.index.keys(self._entries.rows if ids is None else self._entries.rows_of(ids))

    @property
    def rows(self) -> Int64[ndarray, " entry"]:
        """The rows of its entries in the index, in the order of `ids`."""
        return self._entries.rows

    @property
    def fingerprint(self) -> int:
        """A number of what it holds: equal for equal contents in any order. It reads all entries."""
        return fingerprint(self.ids, self.values.tolist(), self.keys())

    @property
    def bytes(self) -> int:
        """Bytes in RAM, about: keys with their index, ids and values."""
        return self.index.bytes + self._entries.bytes

    # --- looking up

    def as_keys(self, keys: Any) -> Float32[ndarray, "row width"]:
        """Return keys or queries [row, width] as they are held: float32, and of length 1 for the cosine.

        Raises InvalidData for another width, for what is not finite, and for a key of zeros with the cosine.
        """
        return as_keys(keys, self.width, self.metric)

    def look_up(self, keys: Any, k: int = 1) -> Answers:
        """Return the `k` nearest stored keys of each query [query, width], and whether the nearest is near enough.

        Without a threshold everything is known that finds a key. Raises InvalidData for keys of another width, and for NaN.
        """
        queries, names = as_keys(keys, self.width, self.metric), self._entries.names
        if isinstance(k, bool) or k < 1:
            raise InvalidData(f"k={k!r} keys cannot be looked up. Give 1 or more.")
        distances, rows = self.index.search(queries, k)
        found = rows >= 0
        ids = np.full(rows.shape, "", object)
        ids[found] = [names[row] for row in rows[found].tolist()]
        values: NDArray[Any] = np.full(rows.shape, None, object)
        values[found] = self._entries.held.values[rows[found]].tolist()
        known = found[:, 0].copy()
        if self.threshold is not None:
            known &= distances[:, 0] < self.threshold.distance
        if self.evict == "least_recently_used":
            self._entries.use(rows[known, 0])
        return Answers(ids, values, distances, known)

    # --- changing it

    def add(self, keys: Any, values: Any, ids: Sequence[str] | None = None) -> tuple[str, ...]:
        """Store keys [entry, width] with their values, and return the ids that were evicted for them.

        `ids` are new, one each; without them numbers go on from the last. Raises InvalidData for ids that are there already
        or twice, for keys of another width or not finite, for values that are neither texts nor numbers, and where a full
        memory refuses. Then nothing is stored.
        """
        new = as_keys(keys, self.width, self.metric)
        return self._store(new, values, self._entries.new_ids(len(new)) if ids is None else as_ids(ids))

    def _store(self, new: Float32[ndarray, "entry width"], values: Any, names: list[str]) -> tuple[str, ...]:
        """Store keys as they are held: finite, float32, and of length 1 for the cosine. See `add`."""
        held = as_values(values)
        check_one_each(new, held, names)
        self._entries.check_new(names)
        if self._impostors is not None:
            self._impostors.check_added(new)
        evicted = self._make_room(len(new))
        self.index.add(new)
        self._entries.add(names, held)
        if self._impostors is not None and len(new):
            self._impostors.added(new, self._entries.numbers.values[-len(new) :], self.metric)
        return evicted

    def update(self, ids: Sequence[str], values: Any) -> None:
        """Give other values to entries that are there. Raises InvalidData for ids that it does not hold; then nothing changes."""
        rows, new = self._entries.rows_of(ids), as_values(values)
        if len(new) != len(rows):
            raise InvalidData(f"There are {len(rows)} ids and {len(new)} values. Give one each.")
        self._entries.update(rows, new)

    def delete(self, ids: Sequence[str]) -> None:
        """Forget entries. Raises InvalidData for ids that it does not hold; then nothing is deleted.

        Keys and values are overwritten in RAM. Files change when the memory is saved.
        """
        self._forget(self._entries.rows_of(ids))

    def delete_and_prove(self, ids: Sequence[str]) -> Deletion:
        """Forget entries, and return what shows that they are gone. It reads all entries twice."""
        rows = self._entries.rows_of(ids)
        keys, values = self.index.keys(rows), self._entries.held.values[rows].tolist()
        expected = (self.fingerprint - fingerprint(ids, values, keys)) % MODULUS
        self.delete(ids)
        left, now = self.keys(), self.fingerprint
        among = copies(keys, left) + (0 if self._impostors is None else copies(keys, self._impostors.queries))
        return Deletion(tuple(ids), now, now == expected, self.look_up(keys, k=min(5, len(self)) or 1), among)

    def merge(self, other: "Memory", *, conflict: Literal["refuse", "keep", "replace"] = "refuse") -> tuple[str, ...]:
        """Store all entries of another memory, and return the ids that were evicted for them.

        Entries that are the same in both (id, key, value) are stored once. For one id with another key or value, `conflict`
        says what happens: "refuse" raises InvalidData, and nothing is stored; "keep" keeps that of this memory, "replace"
        takes that of the other.
        """
        if (other.width, other.metric) != (self.width, self.metric):
            raise InvalidData(
                f"A memory of {other.width} numbers a key ({other.metric}) cannot be merged into one of {self.width} ({self.metric})."
            )
        if conflict not in ("refuse", "keep", "replace"):
            raise unknown("answer to a conflict", conflict, ("refuse", "keep", "replace"))
        both = [id_ for id_ in other.ids if id_ in self]
        values, others = (
            dict(zip(self.ids, self.values.tolist(), strict=True)),
            dict(zip(other.ids, other.values.tolist(), strict=True)),
        )
        same = (self.keys(both) == other.keys(both)).all(1) if both else np.zeros(0, bool)
        differ = [id_ for id_, equal in zip(both, same, strict=True) if not equal or values[id_] != others[id_]]
        if differ and conflict == "refuse":
            raise InvalidData(
                f"{len(differ)} ids have other keys or values in the two memories, for example {differ[0]!r}. Say conflict='keep' or 'replace', or give other ids."
            )
        if conflict == "replace":
            self.delete(differ)
        new = [id_ for id_ in other.ids if id_ not in self]
        return self._store(other.keys(new), [others[id_] for id_ in new], new)

    # --- not known

    def calibrate(self, impostors: Any, false_accept: float) -> Threshold:
        """Set the threshold beyond which a query is not known, from queries of which nothing is stored; return it.

        `impostors` [query, width] are kept, also in the files of `save`, so that the threshold holds when entries are added or
        deleted; calibrating again replaces them. See `byrote.recall.threshold_at`, also for how many are needed. Raises
        InvalidData where nothing is stored, and where so many impostors are stored themselves that nothing would be known.
        """
        queries = as_keys(impostors, self.width, self.metric)
        if not len(self):
            raise InvalidData("An empty memory has no distances to calibrate by. Add entries first.")
        found = Impostors(queries, false_accept, self._nearest)
        found.check()
        self._impostors = found
        return found.threshold

    @property
    def threshold(self) -> Threshold | None:
        """The threshold for what it holds now; None where it was not calibrated, or holds nothing."""
        return None if self._impostors is None or not len(self) else self._impostors.threshold

    # --- files

    def save(self, directory: "str | os.PathLike[str] | UPath") -> None:
        """Save it into a directory of its own, or into where it was opened or saved before: then only what has changed.

        Files that hold a deleted entry are written again without it, and removed. Whoever opens the directory meanwhile
        reads the state before; so it stays when the save is interrupted. Raises WrongRecord where the directory holds another
        memory or was changed by another program since, ByroteError where it cannot be written; then it is left as it is.
        """
        target = place(directory)
        known = str(target.absolute())
        before = self._saved[1] if self._saved is not None and self._saved[0] == known else None
        settings = Settings(self.width, self.metric, self.index.name, self.index.settings, self.most, self.evict)
        impostors = self._impostors
        contents = Contents(
            settings,
            self._entries,
            self.index.keys,
            None if impostors is None else impostors.queries,
            None if impostors is None else impostors.false_accept,
        )
        self._saved = known, write(target, contents, before)

    def load(self, directory: str, loaded: Loaded) -> None:
        """Take what was read from a directory into an empty memory. See `byrote.recall.open_memory`."""
        manifest = loaded.manifest
        for part in loaded.parts:
            self.index.add(part.keys)
            self._entries.add(part.ids, part.values, part.numbers)
        self._entries.edited.values[:] = 0
        self._entries.given, self._entries.clock = manifest.given, manifest.clock
        if loaded.used is not None:
            self._entries.used.values[:] = loaded.used
        if loaded.impostors is not None and manifest.false_accept is not None:
            self._impostors = Impostors(loaded.impostors, manifest.false_accept, self._nearest)
        self._saved = directory, manifest

    # --- its own

    def _nearest(self, queries: Float32[ndarray, "query width"]) -> tuple[ndarray, ndarray]:
        distances, rows = (found[:, 0] for found in self.index.search(queries, 1))
        return distances, np.where(rows < 0, -1, self._entries.numbers.values[rows] if len(self) else -1)

    def _make_room(self, count: int) -> tuple[str, ...]:
        over = 0 if self.most is None else len(self) + count - self.most
        if over <= 0:
            return ()
        if self.evict == "refuse" or count > (self.most or 0):
            raise InvalidData(
                f"{count} entries do not fit into a memory of at most {self.most} that holds {len(self)}. Delete some, or give more room."
            )
        evicted = self._entries.oldest(over, "adding" if self.evict == "oldest" else "use")
        self.delete(evicted)
        return evicted

    def _forget(self, rows: Int64[ndarray, " gone"]) -> None:
        gone = self._entries.numbers.values[rows]
        self.index.forget(rows)
        self._entries.forget(rows)
        if self._entries.forgotten * FORGOTTEN > len(self._entries.names):
            mask = self._entries.alive.values.copy()
            self.index.keep(mask)
            self._entries.keep(mask)
        if self._impostors is not None:
            self._impostors.deleted(gone, self._nearest)
