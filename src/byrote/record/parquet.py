"""Parquet: a file of which only what is needed is read, also from far away, and there in few requests."""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from byrote.record.storage import Place, read_bytes, read_ranges, size_of

if TYPE_CHECKING:
    from upath import UPath

TAIL = 1 << 18
"""Bytes that are read from the end of a far file: its footer, and the last step of a small run."""

MARK = b"byrote footer crc32 "
"""Stands before a footer, followed by the four bytes of its checksum, least significant first."""


@dataclass(frozen=True)
class Tail:
    """The size of a far file, and the bytes at its end, with the footer."""

    size: int
    data: bytes


class Parquet:
    """One file. Raises FileNotFoundError, ArrowInvalid for what is no sound Parquet file, ByroteError for what cannot be reached.

    A far file is a buffer of its full size, in which only what was fetched is there; pages of it that nothing was
    written to take no memory. `tail` may be given when it is at hand, and spares two requests.
    """

    def __init__(self, path: Place, tail: Tail | None = None) -> None:
        self.path, self.tail = path, tail
        if isinstance(path, Path):
            self._source = pa.OSFile(str(path))
        else:
            self.tail = self.tail or _tail(path)
            self._bytes = np.zeros(self.tail.size, np.uint8)
            self._whole_from = self._put(self.tail.size - len(self.tail.data), self.tail.data)
            self._source = pa.BufferReader(pa.py_buffer(self._bytes))
        check_footer(self._source)
        self._file = _opened(self._source)
        self.metadata = self._file.metadata
        self.schema = self._file.schema_arrow
        self.names: list[str] = self.schema.names

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._source.close()

    def read(self, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these row groups. Of a far file, they must have been fetched."""
        return self._file.read_row_groups(list(groups), columns=list(columns), use_threads=False)

    def written(self, group: int, column: int) -> bytes:
        """Return a column chunk as it is in the file. Of a far file, it must have been fetched."""
        start, stop = _chunk(self.metadata, group, column)
        return self._source.read_at(stop - start, start)

    def fetch(self, groups: Sequence[int], columns: Sequence[str]) -> None:
        """Bring what is needed to read these from a far file; do nothing for a local one."""
        if isinstance(self.path, Path):
            return
        schema = self.metadata.schema
        wanted = [i for i in range(len(schema)) if schema.column(i).path.split(".")[0] in columns]
        chunks = [_chunk(self.metadata, group, i) for group in groups for i in wanted]
        for start, data in read_ranges(self.path, [each for each in chunks if each[0] < self._whole_from]):
            self._put(start, data)

    def _put(self, start: int, data: bytes) -> int:
        self._bytes[start : start + len(data)] = np.frombuffer(data, np.uint8)
        return start


def seal(path: Path) -> None:
    """Put a checksum of the footer in front of it; pages have their own.

    Readers of Parquet find pages and footer by their places, and do not look in between.
    """
    with path.open("r+b") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(size - 8)
        start = size - 8 - int.from_bytes(file.read(4), "little")
        file.seek(start)
        footer = file.read()
        file.seek(start)
        file.write(MARK + zlib.crc32(footer).to_bytes(4, "little") + footer)


def check_footer(source: Any) -> None:
    """Raise ArrowInvalid unless the footer is as it was sealed. Other programs seal none."""
    size = source.size()
    length = int.from_bytes(source.read_at(4, size - 8), "little") + 8 if size > 8 else 0
    if len(MARK) + 4 + length > size or not length:
        return  # no Parquet file, which its reader says
    found = source.read_at(len(MARK) + 4 + length, size - length - len(MARK) - 4)
    checksum, footer = found[len(MARK) : len(MARK) + 4], found[len(MARK) + 4 :]
    if found.startswith(MARK) and zlib.crc32(footer) != int.from_bytes(checksum, "little"):
        raise pa.ArrowInvalid("the checksum of its footer is wrong: the file was damaged")


def _opened(source: Any) -> pq.ParquetFile:
    """Open a file whose pages are verified by their checksums; one without ids is no run, which its reader says."""
    options = {"pre_buffer": False, "page_checksum_verification": True}
    try:
        return pq.ParquetFile(source, read_dictionary=["example"], **options)
    except KeyError:
        return pq.ParquetFile(source, **options)


def _chunk(metadata: pq.FileMetaData, group: int, column: int) -> tuple[int, int]:
    """Return where a column chunk begins and ends in the file."""
    chunk = metadata.row_group(group).column(column)
    start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return start, start + chunk.total_compressed_size


def _tail(path: "UPath") -> Tail:
    size = size_of(path)
    data = read_bytes(path, max(size - TAIL, 0)) if size else b""
    footer = int.from_bytes(data[-8:-4], "little") + 8
    if data.endswith(b"PAR1") and len(data) < footer + len(MARK) + 4 and footer <= size:
        data = read_bytes(path, max(size - footer - len(MARK) - 4, 0))
    return Tail(size, data)
