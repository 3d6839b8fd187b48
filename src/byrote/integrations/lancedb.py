"""LanceDB: an explicit memory in a table of an embedded database, in a directory or an object store."""

import hashlib
import os
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray

from byrote.errors import ByroteError, InvalidData, WrongRecord, missing_extra, unknown
from byrote.recall.deletion import Deletion
from byrote.recall.index import Metric, as_distances
from byrote.recall.table import Nearest, Rows, TableMemory

pc: Any = import_module("pyarrow.compute")

SPARE = 8
"""Entries that are read beyond the k nearest, to have equals in the order of adding."""

CHUNK = 1000
"""Ids in a filter."""


class LanceMemory(TableMemory):
    """The methods of `byrote.recall.Memory` over a table of LanceDB.

    `where` is a directory, or a URI that LanceDB takes. The table is made if it is not there: then `width` and `metric` say
    what keys are. Its columns are number, id, hash (of the id: filters hold numbers only), value (JSON) and key; impostors are in
    TABLE_impostors. Look-ups compare all keys, until you create an index (`lancedb.connect(where).open_table(table)
    .create_index("l2", vector_column_name="key")`). Writers have to take turns: LanceDB has no lock for a check and a change
    in one.

    Deleting marks rows; `erase` writes the table again without them and removes its earlier versions, and so does
    `delete_and_prove`.

    Raises ByroteError where lancedb is not installed or cannot open the place; InvalidData for a table of keys of another
    width or metric, WrongRecord for a table of something else.
    """

    def __init__(
        self, where: str, table: str = "memory", *, width: int | None = None, metric: Metric | None = None
    ) -> None:
        self._lance = LanceTable(where, table, width, metric)
        super().__init__(self._lance)

    def erase(self) -> None:
        """Remove all that earlier versions of the table hold, also for whoever is reading them now."""
        self._lance.erase()

    def delete_and_prove(self, ids: Sequence[str]) -> Deletion:
        """Remove entries and all earlier versions of the table, and return what shows that they are gone."""
        found = super().delete_and_prove(ids)
        self.erase()
        return found


class LanceTable:
    """What a memory does with its table. Filters are made of whole numbers only."""

    def __init__(self, where: str, table: str, width: int | None, metric: Metric | None) -> None:
        if metric is not None and metric not in ("cosine", "euclidean"):
            raise unknown("metric", metric, ("cosine", "euclidean"))
        os.environ.setdefault("LANCE_LOG", "error")  # it warns of every table that it makes
        try:
            lancedb = import_module("lancedb")
        except ModuleNotFoundError:
            raise missing_extra("A memory in LanceDB needs the package lancedb", "lancedb") from None
        try:
            base = lancedb.connect(where)
            names = set(base.list_tables(limit=100_000).tables)
            self._table, known, kind = self._opened(base, names, table, width, metric)
            self.width: int = known
            self.metric: Metric = kind
            self._impostors = base.open_table(f"{table}_impostors")
        except ByroteError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            raise ByroteError(f"LanceDB cannot open the table {table!r} in {where} ({str(error).splitlines()[0]}). Check both.") from None  # fmt: skip

    @contextmanager
    def change(self) -> Generator[None]:
        """Do nothing else: LanceDB has no lock."""
        self._latest()
        yield

    @contextmanager
    def view(self) -> Generator[None]:
        """Take the latest state."""
        self._latest()
        yield

    def version(self) -> int:
        """Return the sum of the versions of the two tables, which only grow."""
        self._latest()
        return int(self._table.version) + int(self._impostors.version)

    def count(self) -> int:
        """Return how many entries there are."""
        return int(self._table.count_rows())

    def last(self) -> int:
        """Return a number that is greater than the number of any entry."""
        numbers = self._rows(["number"]).column("number")
        return max(numbers.to_pylist(), default=-1) + 1

    def there(self, ids: Sequence[str]) -> set[str]:
        """Return which ids are there."""
        return set(self._found(ids, ["id"]).column("id").to_pylist()) & set(ids)

    def read(self, ids: Sequence[str] | None = None) -> Rows:
        """Return entries of ids that are there, or all, in the order of adding."""
        columns = ["number", "id", "value", "key"]
        found = (self._rows(columns) if ids is None else self._found(ids, columns)).sort_by("number")
        if ids is not None:
            found = found.filter(pc.is_in(found.column("id"), pa.array(list(ids), pa.string())))
        return Rows(found.column("id").to_pylist(), found.column("value").to_pylist(), _keys(found, self.width))

    def insert(self, rows: Rows) -> None:
        """Append entries."""
        if not rows.ids:
            return
        start = self.last()
        number = pa.array(np.arange(start, start + len(rows.ids)))
        columns = [number, pa.array(rows.ids), pa.array([_hash(id_) for id_ in rows.ids]), pa.array(rows.values), _vectors(rows.keys)]  # fmt: skip
        self._table.add(pa.Table.from_arrays(columns, schema=_schema(self.width, self.metric)))

    def set_values(self, ids: Sequence[str], values: Sequence[str]) -> None:
        """Give entries other values."""
        if not ids:
            return
        new = dict(zip(ids, values, strict=True))
        found = self._found(ids, ["number", "id"])
        found = found.filter(pc.is_in(found.column("id"), pa.array(list(ids), pa.string())))
        held = pa.array([new[id_] for id_ in found.column("id").to_pylist()])
        rows = pa.table({"number": found.column("number"), "value": held})
        self._table.merge_insert("number").when_matched_update_all().execute(rows)

    def remove(self, ids: Sequence[str]) -> None:
        """Remove entries."""
        found = self._found(ids, ["number", "id"])
        numbers = [number for number, id_ in zip(*(found.column(c).to_pylist() for c in ("number", "id")), strict=True) if id_ in set(ids)]  # fmt: skip
        for start in range(0, len(numbers), CHUNK):
            self._table.delete(_among("number", numbers[start : start + CHUNK]))

    def nearest(self, queries: Float32[ndarray, "query width"], k: int) -> Nearest:
        """Return the nearest entries, equals in the order of adding."""
        ids, values = np.full((len(queries), k), "", object), np.full((len(queries), k), None, object)
        squares = np.full((len(queries), k), np.inf)
        for at, query in enumerate(queries):
            search = self._table.search(query, vector_column_name="key").distance_type("l2").limit(k + SPARE)
            found = search.select(["number", "id", "value", "_distance"]).to_arrow()
            found = found.sort_by([("_distance", "ascending"), ("number", "ascending")]).slice(0, k)
            count = len(found)
            ids[at, :count], values[at, :count] = found.column("id").to_pylist(), found.column("value").to_pylist()
            squares[at, :count] = found.column("_distance").to_numpy()
        return Nearest(ids, values, as_distances(squares, self.metric))

    def read_impostors(self) -> tuple[Float32[ndarray, "query width"], float] | None:
        """Return what `write_impostors` kept."""
        found = self._impostors.to_arrow()
        if not len(found):
            return None
        return _keys(found, self.width), float(found.column("false_accept")[0].as_py())

    def write_impostors(self, queries: Float32[ndarray, "query width"], false_accept: float) -> None:
        """Keep impostors in place of those before."""
        rates = pa.array(np.full(len(queries), false_accept))
        self._impostors.add(pa.Table.from_arrays([_vectors(queries), rates], schema=_impostors(self.width)), mode="overwrite")  # fmt: skip

    def erase(self) -> None:
        """Write the tables without what is deleted, and remove their earlier versions."""
        self._latest()
        self._table.update(
            values_sql={"hash": "hash"}
        )  # writes all rows anew; compaction alone leaves files with few deleted rows
        for table in (self._table, self._impostors):
            with warnings.catch_warnings():  # it warns of readers of earlier versions, as `erase` does
                warnings.simplefilter("ignore", UserWarning)
                table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)

    # --- its own

    def _opened(
        self, base: Any, names: set[str], table: str, width: int | None, metric: Metric | None
    ) -> tuple[Any, int, Metric]:
        if table not in names:
            if width is None or isinstance(width, bool) or width < 1:
                raise InvalidData(f"There is no table {table!r}, and a width of {width!r} makes none. Give how many numbers a key has.")  # fmt: skip
            chosen: Metric = metric or "cosine"
            base.create_table(f"{table}_impostors", schema=_impostors(width), mode="overwrite")
            return base.create_table(table, schema=_schema(width, chosen)), width, chosen
        found = base.open_table(table)
        known = (found.schema.metadata or {}).get(b"byrote metric", b"").decode()
        if known not in ("cosine", "euclidean") or f"{table}_impostors" not in names:
            raise WrongRecord(f"The table {table!r} is none of a memory: it has the columns {', '.join(found.schema.names)}. Give another name.")  # fmt: skip
        there = int(found.schema.field("key").type.list_size)
        if (width or there, metric or known) != (there, known):
            raise InvalidData(f"The table {table!r} holds keys of {there} numbers ({known}), and {width or there} ({metric or known}) were given. Give another name, or what it holds.")  # fmt: skip
        return found, there, known

    def _latest(self) -> None:
        self._table.checkout_latest()
        self._impostors.checkout_latest()

    def _rows(self, columns: list[str]) -> Any:
        return self._table.search().select(columns).to_arrow()

    def _found(self, ids: Sequence[str], columns: list[str]) -> Any:
        """Return the rows whose hash is that of an id: those of the ids, and hardly ever one more."""
        hashes = [_hash(id_) for id_ in ids] or [0]
        parts = [
            self._table.search().where(_among("hash", hashes[start : start + CHUNK])).select(list({*columns, "id"})).to_arrow()
            for start in range(0, len(hashes), CHUNK)
        ]  # fmt: skip
        return pa.concat_tables(parts).select(columns)


def _among(column: str, numbers: Sequence[int]) -> str:
    return f"{column} IN ({', '.join(str(int(number)) for number in numbers)})"


def _hash(id_: str) -> int:
    digest = hashlib.blake2b(id_.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _vectors(keys: Float32[ndarray, "row width"]) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(keys.ravel()), keys.shape[1])


def _keys(found: Any, width: int) -> Float32[ndarray, "row width"]:
    return np.array(found.column("key").combine_chunks().flatten(), np.float32).reshape(-1, width)


def _schema(width: int, metric: Metric) -> pa.Schema:
    fields = [("number", pa.int64()), ("id", pa.string()), ("hash", pa.int64()), ("value", pa.string()), ("key", pa.list_(pa.float32(), width))]  # fmt: skip
    return pa.schema(fields, metadata={"byrote metric": metric})


def _impostors(width: int) -> pa.Schema:
    return pa.schema([("key", pa.list_(pa.float32(), width)), ("false_accept", pa.float64())])
