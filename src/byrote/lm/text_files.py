"""Parts of a corpus in files of text: whole files, paragraphs, lines, and JSON lines; each scanned once, then read by place."""

import gzip
import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData

TEXT = (".txt", ".text", ".md")
JSON = (".jsonl", ".ndjson", ".json")
MARK = b"\xef\xbb\xbf"
"""The three bytes with which some editors begin a file of UTF-8."""


@dataclass(frozen=True, eq=False)
class Scan:
    """Where the documents of a part stand: first byte (row, in a table), bytes of text, number from 1, and hashes of ids.

    `left_out` is how many hold no text. In JSON lines the bytes are those of the line.
    """

    start: Int[ndarray, " document"]
    size: Int[ndarray, " document"]
    number: Int[ndarray, " document"]
    left_out: int = 0
    names: Int[ndarray, " document"] | None = None

    def __len__(self) -> int:
        return len(self.start)


class Part(Protocol):
    """Files of one kind: how they are cut into documents, and how one is read again."""

    @property
    def path(self) -> Path:
        """The file or the directory."""
        ...

    @property
    def label(self) -> str:
        """What it is called in ids."""
        ...

    @property
    def unit(self) -> str:
        """What its documents are, in words."""
        ...

    @property
    def files(self) -> int:
        """How many files it is."""
        ...

    @property
    def given(self) -> bool:
        """Whether the file was named, and not found in a directory."""
        ...

    @property
    def in_bytes(self) -> bool:
        """Whether documents begin at a byte, and not in a row."""
        ...

    def scan(self) -> Scan:
        """Return where its documents stand; raise InvalidData for what cannot be read."""
        ...

    def read(self, start: int, size: int, number: int) -> tuple[str, str]:
        """Return the id and the text of a document."""
        ...

    def source(self, number: int) -> str:
        """Return the file that a document is in."""
        ...

    def stamp(self) -> str:
        """Return a text that changes when a file does."""
        ...


class Handle:
    """One open file, which is opened when it is first read; a step back in a packed one begins anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] | None = None

    def read(self, start: int, size: int) -> bytes:
        """Return the bytes from `start`."""
        if self.file is None:
            self.file = unpacked(self.path)
        self.file.seek(start)
        return self.file.read(size)

    def __del__(self) -> None:
        if self.file is not None:
            self.file.close()


def unpacked(path: Path) -> IO[bytes]:
    """Open a file for reading, through gzip where its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # pyright: ignore[reportReturnType]


def without_gz(path: Path) -> Path:
    """Return the path without .gz at its end."""
    return path.with_suffix("") if path.suffix == ".gz" else path


def decoded(data: bytes, path: Path, start: int = 0) -> str:
    """Return UTF-8 as text; raise InvalidData with the first byte of the file that is none. `start` is where `data` begins."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        at = start + error.start
        raise InvalidData(
            f"{path} is not UTF-8: byte {at:,} is 0x{data[error.start]:02x}. Convert it, for example with iconv -f latin1 -t utf8."
        ) from None


def file_stamp(path: Path) -> str:
    """Return name, size and time of change of a file."""
    found = path.stat()
    return f"{path.name} {found.st_size} {found.st_mtime_ns}"


def text_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield the number from 1, the first byte and the bytes of each line of a file, without the mark at its beginning."""
    try:
        with unpacked(path) as file:
            at = 0
            for number, line in enumerate(file, 1):
                mark = len(MARK) if at == 0 and line.startswith(MARK) else 0
                yield number, at + mark, line[mark:]
                at += len(line)
    except (gzip.BadGzipFile, EOFError) as error:
        raise InvalidData(f"{path} cannot be unpacked ({error}). Pack it again, or unpack it by hand.") from None


def has_paragraphs(path: Path) -> bool:
    """Return whether there is a blank line between lines of text."""
    seen = blank = False
    for _, _, line in text_lines(path):
        if line.strip():
            if blank:
                return True
            seen = True
        else:
            blank = seen
    return False


@dataclass(frozen=True)
class WholeFiles:
    """Files that are a document each: those of a directory, or one that was named."""

    path: Path
    label: str
    names: tuple[str, ...]
    unit: str = "whole files"
    in_bytes: bool = True

    @property
    def given(self) -> bool:
        """Whether it is one named file."""
        return self.names == ("",)

    @property
    def files(self) -> int:
        """How many files it is."""
        return len(self.names)

    def scan(self) -> Scan:
        """Return where the documents stand."""
        starts, sizes, numbers, left_out = array("q"), array("q"), array("q"), 0
        for number, name in enumerate(self.names, 1):
            path = self.path / name
            data = _all_of(path)
            start = len(MARK) if data.startswith(MARK) else 0
            if not decoded(data, path)[bool(start) :].strip():
                left_out += bool(data)
                continue
            starts.append(start)
            sizes.append(len(data) - start)
            numbers.append(number)
        return Scan(_as_array(starts), _as_array(sizes), _as_array(numbers), left_out)

    def read(self, start: int, size: int, number: int) -> tuple[str, str]:
        """Return the id and the text of a document."""
        path = self.path / self.names[number - 1]
        return f"{self.label}{self.names[number - 1]}", decoded(_all_of(path)[start:], path, start)

    def source(self, number: int) -> str:
        """Return the file that a document is in."""
        return str(self.path / self.names[number - 1])

    def stamp(self) -> str:
        """Return names, sizes and times of change."""
        return "\n".join(f"{name} {file_stamp(self.path / name)}" for name in self.names)


def _all_of(path: Path) -> bytes:
    try:
        with unpacked(path) as file:
            return file.read()
    except (gzip.BadGzipFile, EOFError) as error:
        raise InvalidData(f"{path} cannot be unpacked ({error}). Pack it again, or unpack it by hand.") from None


@dataclass(frozen=True)
class Blocks:
    """Lines or paragraphs of one file. A paragraph ends at a blank line; ends of lines at its end are not part of it."""

    path: Path
    label: str
    unit: Literal["lines", "paragraphs"]
    given: bool = True
    in_bytes: bool = True
    files: int = 1
    handle: Handle = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "handle", Handle(self.path))

    def scan(self) -> Scan:
        """Return where the documents stand."""
        starts, sizes, numbers, left_out = array("q"), array("q"), array("q"), 0
        inside = False
        for number, at, line in text_lines(self.path):
            decoded(line, self.path, at)
            stripped = line.rstrip(b"\r\n")
            if not line.strip():
                inside = False
                left_out += self.unit == "lines"
            elif inside and self.unit == "paragraphs":
                sizes[-1] = at + len(stripped) - starts[-1]
            else:
                inside = True
                starts.append(at)
                sizes.append(len(stripped))
                numbers.append(number if self.unit == "lines" else len(starts))
        return Scan(_as_array(starts), _as_array(sizes), _as_array(numbers), left_out)

    def read(self, start: int, size: int, number: int) -> tuple[str, str]:
        """Return the id and the text of a document."""
        sign = ":" if self.unit == "lines" else "#"
        return f"{self.label}{sign}{number}", decoded(self.handle.read(start, size), self.path, start)

    def source(self, number: int) -> str:
        """Return the file."""
        return str(self.path)

    def stamp(self) -> str:
        """Return name, size and time of change."""
        return f"{self.unit} {file_stamp(self.path)}"


@dataclass(frozen=True)
class JsonLines:
    """One JSON object per line; the text is in the field `text`, the id in `identifier` where there is such a field."""

    path: Path
    label: str
    text: str
    identifier: str
    given: bool = True
    unit: str = "JSON lines"
    in_bytes: bool = True
    files: int = 1
    handle: Handle = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "handle", Handle(self.path))

    def scan(self) -> Scan:
        """Return where the documents stand."""
        starts, sizes, numbers, names, left_out = array("q"), array("q"), array("q"), array("q"), 0
        named = False
        for number, at, line in text_lines(self.path):
            if not line.strip():
                continue
            row = self.parsed(line, number, at)
            if not row[self.text]:
                left_out += 1
                continue
            starts.append(at)
            sizes.append(len(line))
            numbers.append(number)
            named |= self.identifier in row
            names.append(hash(self.name(row, number)))
        found = _as_array(names) if named else None
        return Scan(_as_array(starts), _as_array(sizes), _as_array(numbers), left_out, found)

    def parsed(self, line: bytes, number: int, at: int) -> dict[str, Any]:
        """Return the object in a line, whose text is a string that can be written; raise InvalidData if there is none."""
        where = f"{self.path}, line {number:,}"
        try:
            row = json.loads(decoded(line, self.path, at))
        except ValueError as error:
            raise InvalidData(f"{where} is no JSON ({error}). Write one object per line.") from None
        if not isinstance(row, dict):
            raise InvalidData(
                f'{where} is a {type(row).__name__} and no object. Write one object per line, such as {{"text": "..."}}.'
            )
        if self.text not in row:
            raise InvalidData(
                f"{where} has no field {self.text!r}; it has {', '.join(map(repr, row)) or 'none'}. Say which of these is the text."
            )
        text: Any = row[self.text]
        if text is None:
            row[self.text] = ""
        elif not isinstance(text, str):
            raise InvalidData(
                f"{where}: the field {self.text!r} is a {type(text).__name__}. Give the field that holds text."
            )
        elif not _can_be_written(text):
            raise InvalidData(f"{where}: the text holds half of a character (a lone surrogate). Repair or remove it.")
        return row

    def name(self, row: dict[str, Any], number: int) -> str:
        """Return the id of the object in a line."""
        given = row.get(self.identifier)
        return f"{self.label}:{number}" if given is None else str(given)

    def read(self, start: int, size: int, number: int) -> tuple[str, str]:
        """Return the id and the text of a document."""
        row = self.parsed(self.handle.read(start, size), number, start)
        return self.name(row, number), row[self.text]

    def source(self, number: int) -> str:
        """Return the file."""
        return str(self.path)

    def stamp(self) -> str:
        """Return name, size and time of change."""
        return file_stamp(self.path)


def _can_be_written(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_array(values: "array[int]") -> Int[ndarray, " value"]:
    return np.array(values, np.int64)
