"""JSON lines as a table: one object in each line, or one list of objects in a file."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from byrote.errors import InvalidData
from byrote.inputs.delimited import names_of


def read_json(path: Path, encoding: str = "utf-8") -> pa.Table:
    """Return a column per name: numbers and booleans as they are where all of a column are, and text otherwise.

    What an object does not name is missing. Lists and objects within a cell become their JSON. Raises InvalidData for a line
    that is no JSON object.
    """
    columns: dict[str, list[Any]] = {}
    for number, row in enumerate(_rows(path, encoding)):
        for name in row:
            columns.setdefault(name, [None] * number)
        for name, cells in columns.items():
            cells.append(row.get(name))
    names = names_of(columns, path)
    return pa.table({name: column_of(cells) for name, cells in zip(names, columns.values(), strict=True)})


def column_of(cells: Iterable[Any]) -> pa.Array:
    """Return cells of any Python type as one column: booleans, numbers, or else text."""
    found = list(cells)
    kinds = {type(cell) for cell in found if cell is not None}
    if kinds <= {bool}:
        return pa.array(found, pa.bool_())
    if kinds <= {int, float}:
        try:
            return pa.array(found, pa.int64() if kinds == {int} else pa.float64())
        except (OverflowError, pa.ArrowInvalid):  # beyond 64 bits: more likely a name than a number
            return pa.array([None if cell is None else str(cell) for cell in found], pa.string())
    return pa.array([_text(cell) for cell in found], pa.string())


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()  # half of a surrogate pair cannot be written down


def _rows(path: Path, encoding: str) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding) as file:
            if file.read(64).lstrip().startswith("["):
                file.seek(0)
                every = json.load(file)
                yield from (_object(path, number, row) for number, row in enumerate(every, 1))
                return
            file.seek(0)
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _object(path, number, _parsed(path, number, line))
    except json.JSONDecodeError as error:
        raise InvalidData(f"{path} is no list of JSON objects ({error}). Write one object in each line.") from None
    except RecursionError:
        raise InvalidData(f"{path} holds JSON that is nested too deeply. Write flat objects.") from None
    except (UnicodeError, LookupError) as error:
        raise InvalidData(f"{path} cannot be read as {encoding} ({error}). Say what it is with --encoding.") from None


def _parsed(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidData(
            f"{path}, line {number}, is no JSON ({error.msg} at character {error.pos + 1}). Write one object in each line."
        ) from None


def _object(path: Path, number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InvalidData(
            f'{path}, row {number}, is {type(row).__name__} and no object. Write rows as {{"name": value, ...}}.'
        )
    return cast("dict[str, Any]", row)
