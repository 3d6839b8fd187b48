"""Parts of a corpus in tables: Parquet files, and data sets that Hugging Face's `datasets` saved to disk (Arrow)."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet as pq

from byrote.errors import InvalidData, Unsupported
from byrote.lm.text_files import Scan, file_stamp

TABLES = (".parquet",)

compute: Any = pyarrow.compute  # its functions are made when it is imported, so their types are not known


def check_column(path: Path, schema: pa.Schema, text: str) -> None:
    """Raise InvalidData where a table has no column of text with this name; it names those that are there."""
    if text not in schema.names:
        raise InvalidData(
            f"{path} has no column {text!r}; it has {', '.join(map(repr, schema.names))}. Say which of these is the text."
        )
    kind = schema.field(text).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InvalidData(f"{path}: the column {text!r} holds {kind}. Give a column that holds text.")


def _hashes(column: pa.ChunkedArray) -> np.ndarray:
    return np.array([hash(str(each)) for each in column.to_pylist()], np.int64)


def _scanned(columns: pa.Table, text: str, identifier: str, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows that hold text (from `first`), the bytes of each, and the hashes of their ids (none without ids)."""
    sizes = np.asarray(compute.fill_null(compute.binary_length(columns[text].cast(pa.large_binary())), 0), np.int64)
    kept = np.flatnonzero(sizes)
    names = _hashes(columns[identifier].take(kept)) if identifier in columns.column_names else np.zeros(0, np.int64)
    return kept + first, sizes[kept], names


def _scan(found: list[tuple[np.ndarray, np.ndarray, np.ndarray]], rows: int, named: bool) -> Scan:
    start, size, names = (np.concatenate([np.zeros(0, np.int64), *(each[i] for each in found)]) for i in range(3))
    return Scan(start, size, start + 1, rows - len(start), names if named else None)


def _row(table: pa.Table, at: int, text: str, identifier: str, otherwise: str) -> tuple[str, str]:
    name = table[identifier][at].as_py() if identifier in table.column_names else None
    return otherwise if name is None else str(name), table[text][at].as_py()


@dataclass(frozen=True)
class ParquetRows:
    """The rows of a Parquet file; the group of rows that was read last stays in memory."""

    path: Path
    label: str
    text: str
    identifier: str
    unit: str = "rows of Parquet"
    given: bool = False
    in_bytes: bool = False
    files: int = 1
    kept: dict[str, Any] = field(default_factory=dict[str, Any], init=False, repr=False)

    def _file(self) -> pq.ParquetFile:
        if "file" not in self.kept:
            try:
                self.kept["file"] = pq.ParquetFile(self.path)
            except pa.ArrowInvalid as error:
                raise InvalidData(f"{self.path} is no Parquet file ({str(error).splitlines()[0]}).") from None
            counts = [self.kept["file"].metadata.row_group(i).num_rows for i in range(self.kept["file"].num_row_groups)]
            self.kept["ends"] = np.cumsum(np.array(counts, np.int64))
        return self.kept["file"]

    def _group(self, group: int) -> pa.Table:
        if self.kept.get("group") != group:
            file = self._file()
            columns = [self.text, *([self.identifier] if self.identifier in file.schema_arrow.names else [])]
            self.kept["table"] = file.read_row_group(group, columns=columns)
            self.kept["group"] = group
        return self.kept["table"]

    def scan(self) -> Scan:
        """Return where the documents stand."""
        file = self._file()
        check_column(self.path, file.schema_arrow, self.text)
        ends = self.kept["ends"]
        found = [
            _scanned(self._group(group), self.text, self.identifier, int(ends[group - 1]) if group else 0)
            for group in range(file.num_row_groups)
        ]
        return _scan(found, int(ends[-1]) if len(ends) else 0, self.identifier in file.schema_arrow.names)

    def read(self, start: int, size: int, number: int) -> tuple[str, str]:
        """Return the id and the text of a row."""
        self._file()
        ends = self.kept["ends"]
        group = int(np.searchsorted(ends, start, "right"))
        at = start - (int(ends[group - 1]) if group else 0)
        return _row(self._group(group), at, self.text, self.identifier, f"{self.label}:{number}")

    def source(self, number: int) -> str:
        """Return the file."""
        return str(self.path)

    def stamp(self) -> str:
        """Return name, size and time of change."""
        return file_stamp(self.path)


@dataclass(frozen=True)
class ArrowRows:
    """The rows of a data set that was saved to disk: Arrow files in a folder with state.json; they are mapped, not loaded."""

    path: Path
    label: str
    text: str
    identifier: str
    unit: str = "rows of a data set"
    given: bool = False
    in_bytes: bool = False
    kept: dict[str, Any] = field(default_factory=dict[str, Any], init=False, repr=False)

    def paths(self) -> list[Path]:
        """Return its Arrow files, in order."""
        try:
            state = json.loads((self.path / "state.json").read_text())
            names = [self.path / each["filename"] for each in state["_data_files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidData(
                f"{self.path / 'state.json'} is not that of a data set saved to disk ({error}). Save it again with save_to_disk."
            ) from None
        if state.get("_indices_data_files"):
            raise Unsupported(
                f"{self.path} keeps an order of its rows apart from them. Call flatten_indices() before save_to_disk."
            )
        return names

    @property
    def files(self) -> int:
        """How many files it is."""
        return len(self.paths())

    def table(self) -> pa.Table:
        """Return all rows as they are mapped from the files."""
        if "table" not in self.kept:
            tables: list[pa.Table] = []
            for path in self.paths():
                try:
                    tables.append(pyarrow.ipc.open_stream(pa.memory_map(str(path))).read_all())
                except (pa.ArrowInvalid, FileNotFoundError) as error:
                    raise InvalidData(
                        f"{path} is no Arrow file ({str(error).splitlines()[0]}). Save the data set again with save_to_disk."
                    ) from None
            self.kept["table"] = pa.concat_tables(tables)
        return self.kept["table"]

    def scan(self) -> Scan:
        """Return where the documents stand."""
        table = self.table()
        check_column(self.path, table.schema, self.text)
        found = _scanned(table, self.text, self.identifier, 0)
        return _scan([found], table.num_rows, self.identifier in table.column_names)

    def read(self, start: int, size: int, number: int) -> tuple[str, str]:
        """Return the id and the text of a row."""
        return _row(self.table(), start, self.text, self.identifier, f"{self.label}:{number}")

    def source(self, number: int) -> str:
        """Return the folder."""
        return str(self.path)

    def stamp(self) -> str:
        """Return names, sizes and times of change."""
        return "\n".join(file_stamp(path) for path in self.paths())
