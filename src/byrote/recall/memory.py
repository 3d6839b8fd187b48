"""Memory: keys with values beside a network, that can be listed, looked up, changed and deleted one by one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.recall.answers import Answers
from byrote.recall.exact import Exact
from byrote.recall.fingerprint import MODULUS, fingerprint
from byrote.recall.growing import Growing
from byrote.recall.impostors import Impostors
from byrote.recall.index import Index, Metric
from byrote.recall.threshold import Threshold

Eviction = Literal["oldest", "least_recently_used", "refuse"]

INDEXES: Mapping[str, Callable[[int, Metric], Index]] = {"exact": Exact}
"""How the nearest keys are found, by name."""


@dataclass(frozen=True, eq=False)
class Deletion:
    """What was deleted, and what shows that it is gone.

    `fingerprint` is that of the memory now, computed from what it holds; `never_held` whether it is equal to that of a memory
    which never held these entries. `answers` are what the deleted keys find now: none of the deleted ids. `bytes_left`
    is how often the bytes of a deleted key still stand in the memory, also as the key of another entry.
    """

    ids: tuple[str, ...]
    fingerprint: int
    never_held: bool
    answers: Answers
    bytes_left: int


class Memory:
    """Keys of one width, each with an id and a value (a text, a number or a boolean), and how near a query is to them.

    A key is what an encoder makes of an example: pixels, the embedding of a network, the state of a language model.
    `metric` is "cosine" (keys are stored with length 1) or "euclidean". `index` is how the nearest are found: "exact", or
    the name of another one in INDEXES, or an Index of your own, empty. `most` is how many entries there may be; the one
    that is evicted for a new one is the "oldest", the "least_recently_used" (a look-up uses its nearest key, where it is
    known), or none: "refuse". Bytes in RAM: 4 x width + about 200 an entry for the exact index.
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
        if evict not in ("oldest", "least_recently_used", "refuse"):
            raise unknown("eviction", evict, ("oldest", "least_recently_used", "refuse"))
        if most is not None and most < 1:
            raise InvalidData(f"A memory of at most {most!r} entries holds nothing. Give 1 or more, or None.")
        if isinstance(index, str) and index not in INDEXES:
            raise unknown("index", index, INDEXES)
        self.metric: Metric = metric
        self.width, self.most, self.evict = width, most, evict
        self.index: Index = INDEXES[index](width, metric) if isinstance(index, str) else index
        if len(self.index):
            raise InvalidData(
                f"The index holds {len(self.index)} keys of which the memory knows no ids. Give an empty one."
            )
        self._entry: dict[str, int] = {}  # the number of each id; numbers are given once, in the order of adding
        self._ids: list[str] = []
        self._numbers = Growing(np.int64)
        self._used = Growing(np.int64)
        self._values = Growing(np.int64)
        self._given = self._clock = 0
        self._impostors: Impostors | None = None

    # --- what it holds

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._entry

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the order in which they were added."""
        return tuple(self._ids)

    @property
    def values(self) -> ndarray:
        """The values, in the order of `ids`."""
        return self._values.values.copy()

    def keys(self, ids: Sequence[str] | None = None) -> Float32[ndarray, "entry width"]:
        """Return the stored keys of some ids, or all in the order of `ids`. Raises InvalidData for ids that it does not hold."""
        return self.index.keys(np.arange(len(self)) if ids is None else self._rows(ids))

    @property
    def fingerprint(self) -> int:
        """A number of what it holds: equal for equal contents in any order. It reads all entries."""
        return fingerprint(self._ids, self._values.values.tolist(), self.keys())

    @property
    def bytes(self) -> int:
        """Bytes in RAM, about: keys with their index, ids and values."""
        texts = sum(map(len, self._ids)) + 150 * len(self)  # a str of Python, its place in the list and in the dict
        if self._values.values.dtype == object:
            texts += sum(len(v) + 50 if isinstance(v, str) else 32 for v in self._values.values)
        return self.index.bytes + self._numbers.bytes + self._used.bytes + self._values.bytes + texts

    # --- looking up

    def as_keys(self, keys: Any) -> Float32[ndarray, "row width"]:
        """Return keys or queries [row, width] as they are held: float32, and of length 1 for the cosine.

        Raises InvalidData for another width, for what is not finite, and for a key of zeros with the cosine.
        """
        return self._checked(keys)

    def look_up(self, keys: Any, k: int = 1) -> Answers:
        """Return the `k` nearest stored keys of each query [query, width], and whether the nearest is near enough.

        Without a threshold everything is known that finds a key. Raises InvalidData for keys of another width, and for NaN.
        """
        queries = self._checked(keys)
        if isinstance(k, bool) or k < 1:
            raise InvalidData(f"k={k!r} keys cannot be looked up. Give 1 or more.")
        distances, rows = self.index.search(queries, k)
        found = rows >= 0
        ids = np.full(rows.shape, "", object)
        ids[found] = [self._ids[row] for row in rows[found]]
        values: NDArray[Any] = np.full(rows.shape, None, object)
        values[found] = self._values.values[rows[found]].tolist()
        known = found[:, 0].copy()
        if self.threshold is not None:
            known &= distances[:, 0] < self.threshold.distance
        self._clock += 1
        self._used.values[rows[known, 0]] = self._clock
        return Answers(ids, values, distances, known)

    # --- changing it

    def add(self, keys: Any, values: Any, ids: Sequence[str] | None = None) -> tuple[str, ...]:
        """Store keys [entry, width] with their values, and return the ids that were evicted for them.

        `ids` are new, one each; without them numbers go on from the last. Raises InvalidData for ids that are there already
        or twice, for keys of another width or not finite, for values that are neither texts nor numbers, and where a full
        memory refuses. Then nothing is stored.
        """
        new = self._checked(keys)
        return self.store(new, values, self._new_ids(len(new)) if ids is None else [str(id_) for id_ in ids])

    def store(self, new: Float32[ndarray, "entry width"], values: Any, names: list[str]) -> tuple[str, ...]:
        """Store keys as they are held: finite, float32, and of length 1 for the cosine. See `add`."""
        held = _as_values(values)
        if not len(new) == len(held) == len(names):
            raise InvalidData(f"There are {len(new)} keys, {len(held)} values and {len(names)} ids. Give one each.")
        self._check_new(names)
        evicted = self._make_room(len(new))
        self.index.add(new)
        self._numbers.extend(np.arange(self._given, self._given + len(new)))
        self._entry.update(zip(names, range(self._given, self._given + len(new)), strict=True))
        self._ids += names
        self._given += len(new)
        self._clock += 1
        self._used.extend(np.full(len(new), self._clock))
        self._hold(held)
        if self._impostors is not None:
            self._impostors.added(new, self._numbers.values[-len(new) :], self.metric)
        return evicted

    def update(self, ids: Sequence[str], values: Any) -> None:
        """Give other values to entries that are there. Raises InvalidData for ids that it does not hold; then nothing changes."""
        rows, new = self._rows(ids), _as_values(values)
        if len(new) != len(rows):
            raise InvalidData(f"There are {len(rows)} ids and {len(new)} values. Give one each.")
        if self._values.values.dtype != new.dtype:
            self._values = _grown(self._values.values.astype(object))
        self._values.values[rows] = new

    def delete(self, ids: Sequence[str]) -> None:
        """Forget entries. Raises InvalidData for ids that it does not hold; then nothing is deleted."""
        rows = self._rows(ids)
        self._keep(np.isin(np.arange(len(self)), rows, invert=True))

    def delete_and_prove(self, ids: Sequence[str]) -> Deletion:
        """Forget entries, and return what shows that they are gone. It reads all entries twice."""
        rows = self._rows(ids)
        keys, values = self.index.keys(rows), self._values.values[rows].tolist()
        expected = (self.fingerprint - fingerprint(ids, values, keys)) % MODULUS
        self.delete(ids)
        left, now = self.keys(), self.fingerprint
        copies = sum(int((left == key).all(1).sum()) for key in keys)
        return Deletion(tuple(ids), now, now == expected, self.look_up(keys, k=min(5, len(self)) or 1), copies)

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
        return self.store(other.keys(new), [others[id_] for id_ in new], new)

    # --- not known

    def calibrate(self, impostors: Any, false_accept: float) -> Threshold:
        """Set the threshold beyond which a query is not known, from queries of which nothing is stored; return it.

        `impostors` [query, width] are kept, so that the threshold holds when entries are added or deleted. See
        `byrote.recall.threshold_at`, also for how many are needed. Raises InvalidData where nothing is stored.
        """
        queries = self._checked(impostors)
        if not len(self):
            raise InvalidData("An empty memory has no distances to calibrate by. Add entries first.")
        self._impostors = Impostors(queries, false_accept, self._nearest)
        return self._impostors.threshold

    @property
    def threshold(self) -> Threshold | None:
        """The threshold for what it holds now; None where it was not calibrated, or holds nothing."""
        return None if self._impostors is None or not len(self) else self._impostors.threshold

    # --- its own

    def _nearest(self, queries: Float32[ndarray, "query width"]) -> tuple[ndarray, ndarray]:
        distances, rows = (found[:, 0] for found in self.index.search(queries, 1))
        return distances, np.where(rows < 0, -1, self._numbers.values[rows] if len(self) else -1)

    def _checked(self, keys: Any) -> Float32[ndarray, "row width"]:
        """Return keys as float32 [row, width], of length 1 for the cosine; raise InvalidData for others."""
        found: NDArray[Any] = np.asarray(keys.detach().cpu() if hasattr(keys, "detach") else keys)
        if found.ndim != 2 or found.shape[1] != self.width:
            raise InvalidData(
                f"Keys of this memory have the shape [row, {self.width}], and these have {list(found.shape)}. Give one row for each, made by the encoder of the others."
            )
        if found.dtype.kind not in "fiub":
            raise InvalidData(f"Keys are numbers, and these are {found.dtype}.")
        with np.errstate(over="ignore"):
            found = np.ascontiguousarray(found, np.float32)
        if not np.isfinite(found).all():
            raise InvalidData(
                f"{int((~np.isfinite(found)).any(1).sum())} keys are not finite (as 32-bit numbers). Give finite ones."
            )
        if self.metric == "cosine":
            lengths = np.linalg.norm(found.astype(np.float64), axis=1, keepdims=True)
            if not lengths.all():
                raise InvalidData(
                    f"{int((lengths == 0).sum())} keys are all 0, and have no direction for the cosine. Leave them out, or take metric='euclidean'."
                )
            found = (found / lengths).astype(np.float32)
        return found

    def _rows(self, ids: Iterable[str]) -> Int64[ndarray, " some"]:
        names = list(ids)
        absent = [id_ for id_ in names if id_ not in self._entry]
        if absent:
            raise InvalidData(f"{len(absent)} ids are not in this memory of {len(self)}, for example {absent[0]!r}.")
        if len(set(names)) < len(names):
            raise InvalidData(f"{len(names) - len(set(names))} ids are given twice. Give each once.")
        return np.searchsorted(self._numbers.values, [self._entry[id_] for id_ in names]).astype(np.int64)

    def _new_ids(self, count: int) -> list[str]:
        start = self._given
        while any(str(start + i) in self._entry for i in range(count)):
            start += count
        return [str(start + i) for i in range(count)]

    def _check_new(self, names: list[str]) -> None:
        if len(set(names)) < len(names):
            twice = next(id_ for id_ in names if names.count(id_) > 1)
            raise InvalidData(f"The id {twice!r} is given twice. Give each entry an id of its own.")
        there = [id_ for id_ in names if id_ in self._entry]
        if there:
            raise InvalidData(
                f"{len(there)} ids are in this memory already, for example {there[0]!r}. Delete or update them, or give other ids."
            )

    def _make_room(self, count: int) -> tuple[str, ...]:
        over = 0 if self.most is None else len(self) + count - self.most
        if over <= 0:
            return ()
        if self.evict == "refuse" or count > (self.most or 0):
            raise InvalidData(
                f"{count} entries do not fit into a memory of at most {self.most} that holds {len(self)}. Delete some, or give more room."
            )
        order = np.arange(len(self)) if self.evict == "oldest" else np.argsort(self._used.values, kind="stable")
        evicted = tuple(self._ids[row] for row in np.sort(order[:over]))
        self.delete(evicted)
        return evicted

    def _keep(self, mask: Bool[ndarray, " row"]) -> None:
        gone = self._numbers.values[~mask]
        for row in np.flatnonzero(~mask):
            del self._entry[self._ids[row]]
        self._ids = [id_ for id_, kept in zip(self._ids, mask, strict=True) if kept]
        for part in (self.index, self._numbers, self._used, self._values):
            part.keep(mask)
        if self._impostors is not None:
            self._impostors.deleted(gone, self._nearest)

    def _hold(self, new: ndarray) -> None:
        if not len(self._values):
            self._values = Growing(new.dtype)
        elif self._values.values.dtype != new.dtype:
            self._values, new = _grown(self._values.values.astype(object)), new.astype(object)
        self._values.extend(new)


def _grown(values: ndarray) -> Growing:
    found = Growing(values.dtype)
    found.extend(values)
    return found


def _as_values(values: Any) -> ndarray:
    """Return values as int64, float64, bool or object (of texts, numbers, booleans); raise InvalidData for others."""
    given = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise InvalidData(f"Values are one for each key, and this is {type(values).__name__}. Give a list or an array.")
    if isinstance(given, ndarray) and given.ndim == 1 and given.dtype.kind in "iufb":
        return given.astype({"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_}[given.dtype.kind])
    found = np.empty(len(given), object)
    found[:] = [value.item() if isinstance(value, np.generic) else value for value in given]
    kinds = {type(value) for value in found}
    odd = kinds - {str, int, float, bool}
    if odd:
        raise InvalidData(
            f"Values are texts, numbers or booleans, and there is a {min(kind.__name__ for kind in odd)}. Give json.dumps(value)."
        )
    return found.astype(np.int64) if kinds == {int} and all(abs(v) < 2**63 for v in found) else found
