"""pgvector: an explicit memory in a table of PostgreSQL, by the extension pgvector."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, cast

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from byrote.errors import ByroteError, InvalidData, WrongRecord, missing_extra, unknown
from byrote.recall.index import Metric, as_distances
from byrote.recall.table import Nearest, Rows, TableMemory

LONGEST_NAME = 50
"""Bytes in the name of a table: PostgreSQL cuts names off at 63, and tables beside it have longer ones."""

WIDEST = 16_000
"""Numbers that pgvector can store in a vector."""

COLUMNS = {"number": "bigint", "id": "text", "value": "text", "key": "vector"}


class PgMemory(TableMemory):
    """The methods of `byrote.recall.Memory` over a table of a PostgreSQL server with the extension pgvector (0.5 or later).

    `connection` is a connection string as psycopg takes it. The table is made if it is not there: then `width` and `metric`
    say what keys are. Beside it are TABLE_state, whose number a trigger raises with each change, and TABLE_impostors. Other
    programs may read and change the table; the columns are number, id, value (JSON) and key. Look-ups read the whole table, in
    the order of `key <-> query`: they are exact, until you create an index for them:
    `CREATE INDEX ON memory USING hnsw (key vector_l2_ops)`. Keys of the cosine have length 1, so this is their order too.

    Deleting removes rows; the server's files keep their bytes until `VACUUM FULL`, its log and backups longer.

    Raises ByroteError where psycopg or pgvector are not installed, the server cannot be reached or lacks the extension;
    InvalidData for a table of keys of another width or metric, WrongRecord for a table of something else.
    """

    def __init__(
        self, connection: str, table: str = "memory", *, width: int | None = None, metric: Metric | None = None
    ) -> None:
        self._pg = PgTable(connection, table, width, metric)
        super().__init__(self._pg)

    def close(self) -> None:
        """Close the connection."""
        self._pg.connection.close()

    def __enter__(self) -> "PgMemory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PgTable:
    """The statements of a memory. Names are quoted as identifiers; data are parameters, and never part of a statement."""

    def __init__(self, connection: str, table: str, width: int | None, metric: Metric | None) -> None:
        self._psycopg, self._sql = _imported("psycopg"), _imported("psycopg.sql")
        register: Any = _imported("pgvector.psycopg").register_vector
        if not table or len(table.encode()) > LONGEST_NAME or "\0" in table:
            raise InvalidData(f"A table cannot be named {table!r}. Give 1 to {LONGEST_NAME} characters.")
        if metric is not None and metric not in ("cosine", "euclidean"):
            raise unknown("metric", metric, ("cosine", "euclidean"))
        self.name = table
        try:
            self.connection: Any = self._psycopg.connect(connection, autocommit=True)
        except self._psycopg.Error as error:
            raise ByroteError(f"The PostgreSQL server cannot be reached ({_line(error)}). Check the connection string.") from None  # fmt: skip
        try:
            self._extension()
            register(self.connection)
            known, kind = self._prepared(width, metric)
            self.width: int = known
            self.metric: Metric = kind
        except BaseException:
            self.connection.close()
            raise

    @contextmanager
    def change(self) -> Generator[None]:
        """Keep other writers out, and do all of the block or nothing."""
        with self.connection.transaction():
            self._run("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
            yield

    @contextmanager
    def view(self) -> Generator[None]:
        """Read one state of the table."""
        inside = self.connection.info.transaction_status != self._psycopg.pq.TransactionStatus.IDLE
        with self.connection.transaction():
            if not inside:
                self._run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield

    def version(self) -> int:
        """Return the number that the trigger raises."""
        return int(self._one("SELECT version FROM {state}")[0])

    def count(self) -> int:
        """Return how many entries there are."""
        return int(self._one("SELECT count(*) FROM {table}")[0])

    def last(self) -> int:
        """Return a number that is greater than the number of any entry."""
        return int(self._one("SELECT coalesce(max(number), -1) + 1 FROM {table}")[0])

    def there(self, ids: Sequence[str]) -> set[str]:
        """Return which ids are there."""
        possible = [id_ for id_ in ids if _is_text(id_)]
        return {row[0] for row in self._all("SELECT id FROM {table} WHERE id = ANY(%s)", [possible])}

    def read(self, ids: Sequence[str] | None = None) -> Rows:
        """Return entries of ids that are there, or all, in the order of adding."""
        some = "" if ids is None else " WHERE id = ANY(%s)"
        found = self._all("SELECT id, value, key FROM {table}" + some + " ORDER BY number", [] if ids is None else [list(ids)])  # fmt: skip
        return Rows([row[0] for row in found], [row[1] for row in found], _keys([row[2] for row in found], self.width))

    def insert(self, rows: Rows) -> None:
        """Append entries, by COPY."""
        statement = self._statement("COPY {table} (id, value, key) FROM STDIN WITH (FORMAT BINARY)")
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(["text", "text", "vector"])
            for id_, value, key in zip(rows.ids, rows.values, rows.keys, strict=True):
                copy.write_row((id_, value, key))

    def set_values(self, ids: Sequence[str], values: Sequence[str]) -> None:
        """Give entries other values."""
        self._run(
            "UPDATE {table} AS t SET value = new.value FROM unnest(%s::text[], %s::text[]) AS new (id, value) WHERE t.id = new.id",
            [list(ids), list(values)],
        )

    def remove(self, ids: Sequence[str]) -> None:
        """Remove entries."""
        self._run("DELETE FROM {table} WHERE id = ANY(%s)", [list(ids)])

    def nearest(self, queries: Float32[ndarray, "query width"], k: int) -> Nearest:
        """Return the nearest entries, equals in the order of adding; one statement a query."""
        ids, values = np.full((len(queries), k), "", object), np.full((len(queries), k), None, object)
        lengths = np.full((len(queries), k), np.inf)
        for at, query in enumerate(queries):
            found = self._all("SELECT id, value, key <-> %s AS far FROM {table} ORDER BY far, number LIMIT %s", [query, k])  # fmt: skip
            for rank, (id_, value, far) in enumerate(found):
                ids[at, rank], values[at, rank], lengths[at, rank] = id_, value, far
        return Nearest(ids, values, as_distances(lengths**2, self.metric))

    def read_impostors(self) -> tuple[Float32[ndarray, "query width"], float] | None:
        """Return what `write_impostors` kept."""
        found = self._all("SELECT key, false_accept FROM {impostors} ORDER BY number")
        return (_keys([row[0] for row in found], self.width), float(found[0][1])) if found else None

    def write_impostors(self, queries: Float32[ndarray, "query width"], false_accept: float) -> None:
        """Keep impostors in place of those before."""
        self._run("DELETE FROM {impostors}")
        statement = self._statement("COPY {impostors} (key, false_accept) FROM STDIN WITH (FORMAT BINARY)")
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(["vector", "float8"])
            for key in queries:
                copy.write_row((key, false_accept))

    # --- its own

    def _extension(self) -> None:
        try:
            if not self._all("SELECT 1 FROM pg_extension WHERE extname = 'vector'"):
                self._run("CREATE EXTENSION IF NOT EXISTS vector")
        except self._psycopg.Error as error:
            raise ByroteError(f"The server has no extension pgvector ({_line(error)}). Install it, or let an administrator run CREATE EXTENSION vector.") from None  # fmt: skip

    def _prepared(self, width: int | None, metric: Metric | None) -> tuple[int, Metric]:
        """Return width and metric of the table, which is made where it is not there."""
        with self.connection.transaction():
            self._all("SELECT pg_advisory_xact_lock(hashtext(%s))", [self.name])
            columns = {
                name: (kind, int(size))
                for name, kind, size in self._all(
                    "SELECT attname, split_part(format_type(atttypid, NULL), '.', -1), atttypmod FROM pg_attribute "
                    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
                    [self._quoted(self.name)],
                )
            }
            if not columns:
                return self._made(width, metric)
            if any(columns.get(name, ("", 0))[0] != kind for name, kind in COLUMNS.items()) or not self._all(
                "SELECT 1 WHERE to_regclass(%s) IS NOT NULL", [self._quoted(f"{self.name}_state")]
            ):
                raise WrongRecord(f"The table {self.name!r} is none of a memory: it has the columns {', '.join(sorted(columns))}. Give another name.")  # fmt: skip
            there, known = columns["key"][1], str(self._one("SELECT metric FROM {state}")[0])
        if (width or there, metric or known) != (there, known):
            raise InvalidData(f"The table {self.name!r} holds keys of {there} numbers ({known}), and {width or there} ({metric or known}) were given. Give another name, or what it holds.")  # fmt: skip
        return there, cast(Metric, known)

    def _made(self, width: int | None, metric: Metric | None) -> tuple[int, Metric]:
        if width is None or isinstance(width, bool) or not 1 <= width <= WIDEST:
            raise InvalidData(f"There is no table {self.name!r}, and a width of {width!r} makes none. Give 1 to {WIDEST:,}, how many numbers a key has.")  # fmt: skip
        kind = self._sql.SQL("vector({})").format(self._sql.Literal(int(width)))
        chosen: Metric = metric or "cosine"
        for statement in (
            "CREATE TABLE {table} (number bigint GENERATED ALWAYS AS IDENTITY (MINVALUE 0 START 0) PRIMARY KEY, "
            "id text UNIQUE NOT NULL, value text NOT NULL, key {kind} NOT NULL)",
            "CREATE TABLE {impostors} (number bigint GENERATED ALWAYS AS IDENTITY, key {kind} NOT NULL, false_accept float8 NOT NULL)",
            "CREATE TABLE {state} (version bigint NOT NULL, metric text NOT NULL)",
            "CREATE FUNCTION {changed}() RETURNS trigger LANGUAGE plpgsql AS {body}",
            "CREATE TRIGGER changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF key ON {table} EXECUTE FUNCTION {changed}()",
            "CREATE TRIGGER changed AFTER INSERT OR DELETE ON {impostors} EXECUTE FUNCTION {changed}()",
        ):
            body = self._statement("BEGIN UPDATE {state} SET version = version + 1; RETURN NULL; END").as_string(self.connection)  # fmt: skip
            self._run(statement, kind=kind, body=self._sql.Literal(body))
        self._run("INSERT INTO {state} VALUES (0, %s)", [chosen])
        return width, chosen

    def _quoted(self, name: str) -> str:
        return self._sql.Identifier(name).as_string(self.connection)

    def _statement(self, text: str, **parts: Any) -> Any:
        names = {
            "table": self._sql.Identifier(self.name),
            **{part: self._sql.Identifier(f"{self.name}_{part}") for part in ("impostors", "state", "changed")},
        }
        return self._sql.SQL(text).format(**names, **parts)

    def _run(self, text: str, data: Sequence[Any] = (), **parts: Any) -> Any:
        return self.connection.execute(self._statement(text, **parts), data or None)

    def _all(self, text: str, data: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._run(text, data).fetchall()

    def _one(self, text: str) -> tuple[Any, ...]:
        return self._run(text).fetchone()


def _keys(found: Iterable[Any], width: int) -> Float32[ndarray, "row width"]:
    rows = [each if isinstance(each, ndarray) else each.to_numpy() for each in found]
    return np.array(rows, np.float32).reshape(len(rows), width)


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise missing_extra("A memory in PostgreSQL needs the packages psycopg and pgvector", "pgvector") from None


def _is_text(text: str) -> bool:
    """Return whether PostgreSQL can hold a text."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


def _line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0]
