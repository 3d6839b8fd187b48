"""Frames as arrays of numbers and back: what an estimator reads is made again from what a record keeps of each example."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.record.cells import Cell


@dataclass(frozen=True)
class Column:
    """One column of a frame: of numbers, with a second one that says where they are missing, or codes of its `levels`."""

    name: str
    levels: tuple[Any, ...] | None = None
    fill: float | None = None
    """What stands where a number is missing: the median; None where none is missing."""

    @property
    def names(self) -> list[str]:
        """The names of the columns of numbers that it becomes."""
        return [self.name] if self.fill is None else [self.name, f"{self.name} is missing"]

    def cell(self, at: int) -> Cell:
        """Return how people read it; `at` is the first of its columns of numbers."""
        if self.levels is None:
            return Cell(self.name, "number", at, missing=-1 if self.fill is None else at + 1)
        words = tuple("missing" if level is None else str(level).removesuffix(" 00:00:00") for level in self.levels)
        return Cell(self.name, "code", at, words)

    def encode(self, values: NDArray[Any]) -> list[NDArray[np.float64]]:
        """Return the columns of numbers."""
        if self.levels is None:
            numbers = values.astype(np.float64)
            if self.fill is None:
                return [numbers]
            return [np.where(np.isnan(numbers), self.fill, numbers), np.isnan(numbers).astype(np.float64)]
        code = {level: at for at, level in enumerate(self.levels)}
        return [np.array([code[_level(value)] for value in values], np.float64)]

    def decode(self, numbers: Sequence[NDArray[Any]]) -> list[Any] | NDArray[Any]:
        """Return the values from the columns of numbers."""
        if self.levels is None:
            return numbers[0] if self.fill is None else np.where(numbers[1] >= 0.5, np.nan, numbers[0])
        codes = np.clip(np.rint(numbers[0]), 0, len(self.levels) - 1).astype(np.int64)
        return [self.levels[code] for code in codes.tolist()]


@dataclass(frozen=True)
class Frame:
    """How inputs of an estimator become arrays of numbers (`encode`), and how these become such inputs again (`decode`).

    `columns` is empty for an array of numbers, which stays as it is, and has one entry for a list of texts.
    """

    kind: str
    columns: tuple[Column, ...] = ()
    make: Callable[[list[Any]], Any] | None = field(default=None, repr=False)
    """Makes the inputs of their columns."""

    @property
    def names(self) -> list[str] | None:
        """The names of the columns of numbers; None where there are none."""
        if self.kind in ("numbers", "texts"):
            return None
        return [name for column in self.columns for name in column.names]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """How people read the columns of numbers; empty where these are all there is."""
        if self.kind in ("numbers", "texts"):
            return ()
        widths = [len(column.names) for column in self.columns]
        return tuple(column.cell(sum(widths[:number])) for number, column in enumerate(self.columns))

    def encode(self, inputs: Any) -> NDArray[Any]:
        """Return numbers `[example, column]`; codes of texts as whole numbers; an array of numbers as it is."""
        if self.kind == "numbers":
            return np.asarray(inputs)
        encoded = [part for column, values in zip(self.columns, _values(inputs), strict=True) for part in column.encode(values)]  # fmt: skip
        found = np.stack(encoded, axis=1)
        return found.astype(np.int64) if self.kind == "texts" else found

    def decode(self, numbers: NDArray[Any]) -> Any:
        """Return inputs of the kind, with the columns and the types, that `encode` was given."""
        if self.make is None:
            return numbers
        at, values = 0, list[Any]()
        for column in self.columns:
            width = len(column.names)
            values.append(column.decode([numbers[:, at + i] for i in range(width)]))
            at += width
        return self.make(values)


def frame_of(inputs: Sequence[Any]) -> Frame:
    """Return the frame of inputs of one kind, such as those of training and of test examples.

    They are arrays, DataFrames of pandas or polars, or sequences of texts. Raises InvalidData for others, for columns that
    have no values of one kind, and for columns of the same name.
    """
    kinds = {_kind(each) for each in inputs}
    if len(kinds) > 1:
        raise InvalidData(f"Training and test inputs are {' and '.join(sorted(kinds))}. Give both as the same.")
    kind, first = kinds.pop(), inputs[0]
    if kind == "numbers":
        return Frame(kind)
    names = [str(name) for name in first.columns] if kind in ("pandas", "polars") else []
    if any([str(name) for name in other.columns] != names for other in inputs if names):
        raise InvalidData("Training and test inputs have other columns. Give both the same, in the same order.")
    if len(set(names)) < len(names):
        raise InvalidData(
            f"The column {next(n for n in names if names.count(n) > 1)!r} comes twice. Give every column a name of its own."
        )
    parts = [_values(each) for each in inputs]
    names = names or ["text"] * (kind == "texts") or [f"column {at}" for at in range(len(parts[0]))]
    columns = tuple(
        _column(name, np.concatenate(values)) for name, values in zip(names, zip(*parts, strict=True), strict=True)
    )
    return Frame(kind, columns, _maker(kind, first))


def _kind(inputs: Any) -> str:
    if hasattr(inputs, "iloc") and hasattr(inputs, "columns"):
        return "pandas"
    if hasattr(inputs, "columns") and hasattr(inputs, "schema"):
        return "polars"
    if hasattr(inputs, "tocsr"):
        raise InvalidData("The inputs are a sparse matrix. Give inputs.toarray(), or the raw data and a Pipeline.")
    array = np.asarray(inputs)
    if array.ndim == 1 and all(isinstance(each, str) for each in array.tolist()):
        return "texts"
    if array.ndim < 2 or not len(array):
        raise InvalidData(
            f"The inputs have shape {array.shape}. Give an array [example, feature], a DataFrame, or a list of texts."
        )
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))
    return "numbers" if whole else "cells"


def _values(inputs: Any) -> list[NDArray[Any]]:
    """Return the columns: of numbers as float64 with NaN where they are missing, others as objects."""
    kind = _kind(inputs)
    if kind == "pandas":
        series = [inputs.iloc[:, at] for at in range(inputs.shape[1])]
        return [
            each.to_numpy(dtype=np.float64, na_value=np.nan)
            if each.dtype.kind in "iuf"
            else each.to_numpy(dtype=object)
            for each in series
        ]
    if kind == "polars":
        return [
            np.array([np.nan if cell is None else cell for cell in each.to_list()], np.float64) if each.dtype.is_numeric()
            else _objects(each.to_list())
            for each in inputs
        ]  # fmt: skip
    if kind == "texts":
        return [_objects(np.asarray(inputs).tolist())]
    array = np.asarray(inputs)
    if array.ndim != 2:
        raise InvalidData(f"Inputs of shape {array.shape} have missing or other values than numbers. Fill them first.")
    return [_plain(array[:, at]) for at in range(array.shape[1])]


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    cells = values.tolist()
    numbers = all(_missing(cell) or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in cells)
    if not numbers:
        return _objects(cells)
    return np.array([np.nan if _missing(cell) else cell for cell in cells], np.float64)


def _column(name: str, values: NDArray[Any]) -> Column:
    if values.dtype.kind == "f":
        if np.isinf(values).any():
            raise InvalidData(f"The column {name!r} has infinite numbers. Replace them.")
        missing = np.isnan(values)
        if missing.all():
            raise InvalidData(f"The column {name!r} has no value at all. Leave it out.")
        return Column(name, fill=float(np.median(values[~missing])) if missing.any() else None)
    try:
        return Column(name, tuple(sorted({_level(value) for value in values}, key=lambda level: (level is None, str(level)))))  # fmt: skip
    except TypeError:
        odd = type(values[0]).__name__
        raise InvalidData(
            f"The column {name!r} holds {odd}, which is no number, word, date or truth value. Leave it out."
        ) from None


def _maker(kind: str, template: Any) -> Callable[[list[Any]], Any]:
    """Return what makes inputs of the template's kind, with its types, of columns."""
    if kind == "pandas":
        empty = template.iloc[:0]

        def frame(columns: list[Any]) -> Any:
            cells = {at: _whole(values, empty.dtypes.iloc[at]) for at, values in enumerate(columns)}
            made = type(empty)(cells).astype(dict(enumerate(empty.dtypes)))
            made.columns = empty.columns
            return made

        return frame
    if kind == "polars":
        schema, make = template.schema, type(template)

        def table(columns: list[Any]) -> Any:
            cells = {
                name: [None if _missing(cell) else round(cell) if schema[name].is_integer() else cell for cell in list(values)]
                for name, values in zip(schema, columns, strict=True)
            }  # fmt: skip
            return make(cells, schema=schema)

        return table
    if kind == "texts":
        return lambda columns: list(columns[0])
    dtype = np.asarray(template).dtype
    return lambda columns: np.stack([_objects(list(column)) for column in columns], axis=1).astype(dtype)


def _whole(values: Any, dtype: Any) -> Any:
    """Return numbers rounded where the column is one of whole numbers; missing ones as None there."""
    if dtype.kind not in "iu":
        return values
    rounded = np.rint(np.asarray(values, np.float64))
    return [None if np.isnan(cell) else int(cell) for cell in rounded] if np.isnan(rounded).any() else rounded


def _objects(values: list[Any]) -> NDArray[Any]:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _level(value: Any) -> Any:
    return None if _missing(value) else value


def _missing(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float | np.floating) and np.isnan(value))
    )
