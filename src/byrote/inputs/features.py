"""Features: what the model gets of the columns of a table, as one array of real numbers, and how people read it back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byrote.inputs.columns import Column
from byrote.inputs.counts import counted
from byrote.record.cells import Cell

WORDS = 50
"""Words of a category that a model knows apart, at most: the commonest."""

ROWS = 3
"""Training rows that a word needs for it: what stands in one or two rows names them."""

EXACT = 1 << 24
"""Whole numbers up to this are exact in float32; others are counted from the middle of their column."""

TAILS = 3.29
"""The distance between the quantiles of 5 % and 95 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True, eq=False)
class Feature:
    """One column as inputs `[example, input]`: their names, how people read them, and what is subtracted and divided by.

    `becomes` says the same in words.
    """

    inputs: NDArray[np.float32]
    names: tuple[str, ...]
    cell: Cell
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    becomes: str


@dataclass(frozen=True, eq=False)
class Features:
    """All inputs of the model `[example, input]`, with their names and cells, and the numbers that standardize them."""

    inputs: NDArray[np.float32]
    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]


def feature_of(column: Column, train: NDArray[np.bool_], at: int) -> Feature:
    """Return a column as inputs; what is usual in it is that of the training rows. `at` is the number of its first input."""
    if column.kind in ("number", "date"):
        return _number(column, train, at)
    return _category(column, train, at)


def together(features: Sequence[Feature]) -> Features:
    """Return the features side by side."""
    return Features(
        np.concatenate([each.inputs for each in features], axis=1),
        tuple(name for each in features for name in each.names),
        tuple(each.cell for each in features),
        tuple(value for each in features for value in each.centre),
        tuple(value for each in features for value in each.scale),
    )


def _number(column: Column, train: NDArray[np.bool_], at: int) -> Feature:
    values, missing = column.values, column.missing
    known = values[train & ~missing]
    known = known if len(known) else values[~missing]
    middle = float(np.median(known))
    middle = float(np.floor(middle)) if column.whole else middle
    offset = _offset(known, middle, column)
    filled = np.where(missing, middle, values) - offset
    low, high = np.quantile(known, (0.05, 0.95)).tolist()
    scale = (high - low) / TAILS or float(known.std()) or 1.0
    parts, names, centre, scales = [filled], [column.name], [float(known.mean()) - offset], [scale]
    indicator = -1
    if missing.any():
        indicator = at + 1
        parts.append(missing.astype(np.float64))
        names.append(f"{column.name} is missing")
        centre.append(0.0)
        scales.append(1.0)
    kind = "number" if column.kind == "number" else "moment" if column.has_time else "date"
    cell = Cell(column.name, kind, at, inputs=1, offset=offset, missing=indicator)
    what = "standardized number" if kind == "number" else "standardized days"
    absent = (
        f", and an indicator: {counted(int(missing.sum()), 'missing is', 'missing are')} the median {_spelled(cell, middle)}"
        if missing.any()
        else ""
    )
    return Feature(
        np.stack(parts, axis=1).astype(np.float32), tuple(names), cell, tuple(centre), tuple(scales), what + absent
    )


def _offset(known: NDArray[np.float64], middle: float, column: Column) -> float:
    """Return what is subtracted so that float32 keeps what tells values apart: 0 where it keeps it anyway."""
    if column.kind == "date":
        return float(np.floor(middle))
    largest = float(np.abs(known).max())
    coarse = float(np.spacing(np.float32(min(largest, 3e38)))) > 1e-4 * float(known.std())
    return float(np.floor(middle)) if coarse or (column.whole and largest > EXACT) else 0.0


def _category(column: Column, train: NDArray[np.bool_], at: int) -> Feature:
    codes, missing = column.codes, column.missing
    counts = np.bincount(codes[train & ~missing], minlength=len(column.words))
    if len(column.words) == 2 and not missing.any():
        cell = Cell(column.name, "category", at, column.words)
        name = f"{column.name} = {column.words[1]}"
        return Feature(
            codes[:, None].astype(np.float32),
            (name,),
            cell,
            (0.0,),
            (1.0,),
            f"0 or 1: {column.words[0]} or {column.words[1]}",
        )
    often = np.flatnonzero(counts >= min(ROWS, max(1, int(counts.max()))))
    kept = np.sort(often[np.argsort(-counts[often], kind="stable")][:WORDS])
    place = np.full(len(column.words) + 1, -1)  # the last entry is that of what is missing
    place[kept] = np.arange(len(kept))
    where = place[codes]
    inputs = np.zeros((len(codes), len(kept) + bool(missing.any())), np.float32)
    rows = np.flatnonzero(where >= 0)
    inputs[rows, where[rows]] = 1
    words = [column.words[each] for each in kept.tolist()]
    names = [f"{column.name} = {word}" for word in words]
    others, becomes = len(column.words) - len(kept), f"one-hot of {counted(len(kept), 'value', 'values')}"
    if others:
        becomes += f"; {counted(others, 'rarer value is another value', 'rarer values are the same')} to the model"
    if missing.any():
        inputs[missing, -1] = 1
        names.append(f"{column.name} is missing")
        becomes += (
            f"; {counted(int(missing.sum()), 'missing is a value of its own', 'missing are a value of their own')}"
        )
    cell = Cell(
        column.name, "category", at, tuple(words), len(kept) or 1, missing=at + len(kept) if missing.any() else -1
    )
    return Feature(inputs, tuple(names), cell, (0.0,) * len(names), (1.0,) * len(names), becomes)


def _spelled(cell: Cell, value: float) -> str:
    text = cell.text(value)
    return f"{value:g}" if text is None else text
