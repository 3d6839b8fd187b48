"""Entries: the ids, values and times of what a memory holds, row by row beside the keys of its index."""

from collections.abc import Container, Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.recall.growing import Growing
from byrote.recall.values import check_texts


class Entries:
    """One row an entry, in the order of adding. A forgotten row is overwritten, and dropped when `keep` is called.

    `numbers` are given once and ascend, so that a row is found by its number; `used` is when an entry was last used, and
    `edited` when it was added or got its value, on a clock that goes on with each change.
    """

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self.names: list[str] = []  # "" where forgotten
        self.alive = Growing(np.bool_)
        self.numbers, self.used, self.edited = (Growing(np.int64) for _ in range(3))
        self.held = Growing(np.int64)
        self.given = self.clock = 0

    def __len__(self) -> int:
        return len(self._number)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._number

    @property
    def rows(self) -> Int64[ndarray, " entry"]:
        """The rows that are not forgotten."""
        return np.flatnonzero(self.alive.values)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the order of adding."""
        return tuple(self._number)

    @property
    def forgotten(self) -> int:
        """How many rows are forgotten."""
        return len(self.names) - len(self)

    def rows_of(self, ids: Iterable[str]) -> Int64[ndarray, " some"]:
        """Return the rows of ids; raise InvalidData for one that is not there, or twice."""
        names = as_ids(ids)
        check_there(names, self._number, len(self))
        return np.searchsorted(self.numbers.values, [self._number[id_] for id_ in names]).astype(np.int64)

    def row_of_number(self, numbers: Int64[ndarray, " some"]) -> Int64[ndarray, " some"]:
        """Return the rows of numbers that were given."""
        return np.searchsorted(self.numbers.values, numbers).astype(np.int64)

    def check_new(self, names: Sequence[str]) -> None:
        """Raise InvalidData for ids that are there already or twice, and for those that are no Unicode."""
        check_new(names, [id_ for id_ in names if id_ in self._number])

    def new_ids(self, count: int) -> list[str]:
        """Return ids that are not there: numbers that go on from the last."""
        start = self.given
        while any(str(start + i) in self._number for i in range(count)):
            start += count
        return [str(start + i) for i in range(count)]

    def add(self, names: Sequence[str], values: ndarray, numbers: Int64[ndarray, " new"] | None = None) -> None:
        """Append entries whose ids are new."""
        new = np.arange(self.given, self.given + len(names)) if numbers is None else numbers
        self.clock += 1
        self.numbers.extend(new)
        self._number.update(zip(names, new.tolist(), strict=True))
        self.names += names
        self.given = max(self.given, int(new[-1]) + 1) if len(new) else self.given
        self.alive.extend(np.ones(len(names), np.bool_))
        for column in (self.used, self.edited):
            column.extend(np.full(len(names), self.clock))
        if not len(self.held):
            self.held = Growing(values.dtype)
        elif self.held.values.dtype != values.dtype:
            self.held, values = _grown(self.held.values.astype(object)), values.astype(object)
        self.held.extend(values)

    def update(self, rows: Int64[ndarray, " some"], values: ndarray) -> None:
        """Give other values to rows."""
        if self.held.values.dtype != values.dtype:
            self.held = _grown(self.held.values.astype(object))
        self.clock += 1
        self.held.values[rows] = values
        self.edited.values[rows] = self.clock

    def use(self, rows: Int64[ndarray, " some"]) -> None:
        """Note that rows are used now."""
        self.clock += 1
        self.used.values[rows] = self.clock

    def forget(self, rows: Int64[ndarray, " gone"]) -> None:
        """Overwrite rows."""
        for row in rows.tolist():
            del self._number[self.names[row]]
            self.names[row] = ""
        self.alive.values[rows] = False
        self.held.values[rows] = None if self.held.values.dtype == object else 0

    def keep(self, mask: Bool[ndarray, " row"]) -> None:
        """Drop the rows where the mask is False; all of them are forgotten."""
        self.names = [self.names[row] for row in np.flatnonzero(mask).tolist()]
        for column in (self.alive, self.numbers, self.used, self.edited, self.held):
            column.keep(mask)

    def oldest(self, count: int, by: str) -> tuple[str, ...]:
        """Return the ids of the first `count` entries by the time of "adding" or of "use", in the order of adding."""
        rows = self.rows
        if by == "use":
            used = self.used.values[rows]
            last = np.partition(used, count - 1)[count - 1]
            before, equal = rows[used < last], rows[used == last]
            rows = np.sort(np.concatenate([before, equal[: count - len(before)]]))
        return tuple(self.names[row] for row in rows[:count].tolist())

    @property
    def bytes(self) -> int:
        """Bytes in RAM, about."""
        texts = sum(map(len, self._number)) + 140 * len(self)  # a text of Python, its place in the list and in the dict
        if self.held.values.dtype == object:
            texts += sum(len(v) + 50 if isinstance(v, str) else 32 for v in self.held.values)
        columns = (self.alive, self.numbers, self.used, self.edited, self.held)
        return texts + sum(column.bytes for column in columns)


def as_ids(ids: Iterable[object]) -> list[str]:
    """Return ids as texts; raise InvalidData for one text, whose letters would be taken for ids."""
    if isinstance(ids, str | bytes):
        raise InvalidData(f"Ids are a list, and this is the text {ids!r}. Give [{ids!r}].")
    return [str(id_) for id_ in ids]


def check_new(names: Sequence[str], there: Sequence[str]) -> None:
    """Raise InvalidData for ids of which some are there already, that are given twice, or are no Unicode."""
    if len(set(names)) < len(names):
        twice = next(iter(_repeated(names)))
        raise InvalidData(f"The id {twice!r} is given twice. Give each entry an id of its own.")
    check_texts(list(names), "ids")
    if there:
        raise InvalidData(
            f"{len(there)} ids are in this memory already, for example {there[0]!r}. Delete or update them, or give other ids."
        )


def check_there(names: Sequence[str], there: Container[str], count: int) -> None:
    """Raise InvalidData for ids that a memory of `count` entries does not hold, and for those that are given twice."""
    absent = [id_ for id_ in names if id_ not in there]
    if absent:
        raise InvalidData(f"{len(absent)} ids are not in this memory of {count}, for example {absent[0]!r}.")
    if len(set(names)) < len(names):
        raise InvalidData(f"{len(names) - len(set(names))} ids are given twice. Give each once.")


def check_one_each(keys: ndarray, values: ndarray, names: Sequence[str]) -> None:
    """Raise InvalidData unless there are as many keys as values and ids."""
    if not len(keys) == len(values) == len(names):
        raise InvalidData(f"There are {len(keys)} keys, {len(values)} values and {len(names)} ids. Give one each.")


def _repeated(names: Sequence[str]) -> Iterable[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def _grown(values: ndarray) -> Growing:
    found = Growing(values.dtype)
    found.extend(values)
    return found
