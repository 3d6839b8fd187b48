"""Delimited text: which separator a file has, what its first row names, and every cell as text."""

import codecs
import csv
import io
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from byrote.errors import InvalidData
from byrote.inputs.counts import counted

SEPARATORS = (",", ";", "\t", "|")

SAMPLE = 1 << 16
"""Bytes from which the separator is told."""

ROWS = 50
"""Rows of the sample that have to have as many cells as the first."""

MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""What text in another encoding than UTF-8 may begin with."""


def read_delimited(path: Path, encoding: str = "utf-8") -> tuple[pa.Table, str]:
    """Return all cells as text, under the names of the first row, and the separator. Raises InvalidData for a broken file.

    Empty names become `column 3`; rows without any cell are left out. `.gz` is opened.
    """
    sample = _sample(path, encoding)
    separator = separator_of(sample)
    names = names_of(next(iter(csv.reader(io.StringIO(sample), delimiter=separator)), []), path)
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            table = pyarrow.csv.read_csv(
                stream,
                pyarrow.csv.ReadOptions(column_names=names, skip_rows_after_names=1, encoding=encoding),
                pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values='"' in sample),
                pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
            )
    except pa.ArrowInvalid as error:
        raise _explained(path, encoding, separator, len(names), str(error)) from None
    except (UnicodeError, OSError) as error:
        raise InvalidData(f"{path} cannot be read as {encoding} ({error}). Say what it is with --encoding.") from None
    return table, separator


def separator_of(sample: str) -> str:
    """Return the separator that gives the first rows of a text the same number of cells, and the most of them."""

    def cells(separator: str) -> tuple[int, int]:
        try:
            rows = [row for row in islice(csv.reader(io.StringIO(sample), delimiter=separator), ROWS) if row]
        except csv.Error:
            return 0, 0
        widths = [len(row) for row in rows]
        equal = sum(width == widths[0] for width in widths) if widths else 0
        return (equal >= 0.9 * max(len(widths) - 1, 1), widths[0]) if widths and widths[0] > 1 else (0, 0)

    return max(SEPARATORS, key=cells)


def names_of(found: Iterable[str], path: object) -> list[str]:
    """Return the names of the columns; raise InvalidData where one is there twice, or there is none."""
    names = [name.strip() or f"column {at}" for at, name in enumerate(found, 1)]
    if not names:
        raise InvalidData(f"{path} is empty. Give a table whose first row names its columns.")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InvalidData(f"{path} has the column {twice[0]!r} more than once. Give each column a name of its own.")
    return names


def _sample(path: Path, encoding: str) -> str:
    """Return the first rows as text, whole rows where there are several; raise InvalidData for what is no text."""
    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(SAMPLE)
    mark = next((name for mark, name in MARKS if start.startswith(mark)), None)
    if mark and encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        raise InvalidData(f"{path} is {mark}, not UTF-8. Read it with --encoding {mark}.")
    if b"\0" in start and not mark and not encoding.lower().startswith(("utf-16", "utf-32")):
        raise InvalidData(f"{path} is no text: it holds bytes of 0. Give a CSV file, or name a Parquet file .parquet.")
    try:
        decoded = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)().decode(start)
    except LookupError:
        raise InvalidData(
            f"There is no encoding named {encoding!r}. Known are utf-8, cp1252, latin-1, utf-16."
        ) from None
    except UnicodeError:
        raise _encoding_error(path, encoding) from None
    whole = decoded.rfind("\n")
    return decoded[: whole + 1] if whole > 0 and len(start) == SAMPLE else decoded


def _explained(path: Path, encoding: str, separator: str, cells: int, error: str) -> InvalidData:
    if "UTF8" in error or "UTF-8" in error or "codec" in error:
        return _encoding_error(path, encoding)
    if "Empty CSV" in error:
        return InvalidData(f"{path} has no rows below the names of its columns.")
    reason = _uneven(path, encoding, separator, cells) or error.splitlines()[0].removeprefix("CSV parse error: ")[:160]
    return InvalidData(
        f"{path}, read with the separator {separator!r}: {reason}. Give each row as many cells as the first, and put cells that hold the separator in quotes."
    )


def _uneven(path: Path, encoding: str, separator: str, cells: int) -> str:
    """Return which line is the first with another number of cells; empty where none can be found."""
    with pa.input_stream(str(path), compression="detect") as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding, errors="replace", newline="")
        rows = csv.reader(text, delimiter=separator)
        try:
            for row in rows:
                if row and len(row) != cells:
                    return f"line {rows.line_num} has {counted(len(row), 'cell', 'cells')}, and the first {cells}"
        except csv.Error:
            pass
    return ""


def _encoding_error(path: Path, encoding: str) -> InvalidData:
    """Return the refusal that names the first line which is not in this encoding."""
    where = ""
    with pa.input_stream(str(path), compression="detect") as stream:
        for number, line in enumerate(io.BufferedReader(stream), 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                where = f": line {number} holds the byte 0x{line[error.start]:02x} in {line[max(error.start - 12, 0) : error.start + 12].decode('latin-1')!r}"
                break
    return InvalidData(
        f"{path} is not {encoding}{where}. Say what it is (files of Excel are often --encoding cp1252), or save it as UTF-8."
    )
