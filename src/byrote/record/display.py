"""Display: what kind of data inputs are, and the names and words in which people read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.record.cells import Cell
from byrote.record.inputs import Inputs, is_picture, parts, rows

KINDS = ("picture", "table", "signal", "text")

CHANNELS = 4
"""Real numbers in at most so many channels are signals, unless they are square; with more, if time is longer by this factor."""

LENGTH = 2_000
"""Characters of one example's text that a record keeps."""

REPEATED = 4
"""A token id that is repeated at the end at least this often is written once, with the number of times."""

Show = Callable[[Any], str] | Mapping[Any, Any] | Sequence[str]


@dataclass(frozen=True)
class Display:
    """The kind of data (one of KINDS, or empty: other data), and what is needed to show one example of it.

    `columns` names the features of a table, or the channels of a signal; empty: they have no names. `shape` is that of
    one example, `[feature]` or `[channel, time]`. `cells` say how the columns of a table are read; empty: as numbers.
    """

    kind: str = ""
    columns: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    cells: tuple[Cell, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what a record keeps of it."""
        kept = {"kind": self.kind, "columns": list(self.columns), "shape": list(self.shape)}
        return {**kept, "cells": [cell.as_json() for cell in self.cells]} if self.cells else kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Display":
        """Return what a record kept. Raises ValueError, TypeError or KeyError for anything else."""
        if kept["kind"] not in (*KINDS, ""):
            raise ValueError(f"{kept['kind']!r} is no kind of data")
        shape, cells = tuple(map(int, kept["shape"])), tuple(Cell.from_json(each) for each in kept.get("cells", ()))
        for cell in cells:
            if max(cell.at + cell.inputs - 1, cell.missing) >= next(iter(shape), 0):
                raise ValueError(f"the cell {cell.name!r} is beyond the columns")
        return cls(str(kept["kind"]), tuple(map(str, kept["columns"])), shape, cells)


def display_of(inputs: Inputs, kind: str | None = None, columns: Sequence[object] | None = None) -> Display:
    """Return how inputs are shown. Without `kind` it follows from their type and shape, and from whether columns have names.

    Raises InvalidData for a kind that the inputs cannot be, and for another number of names than there are columns.
    """
    if kind is not None and kind not in KINDS:
        raise unknown("kind of data", kind, KINDS)
    if kind not in (None, "text") and (isinstance(inputs, dict | tuple) or not _can_be(kind, inputs)):
        found = "several arrays" if isinstance(inputs, dict | tuple) else f"{inputs.dtype} of shape {inputs.shape}"
        raise InvalidData(
            f"These inputs cannot be shown as {kind}: they are {found}. Leave `kind` out, or give one of {', '.join(KINDS)}."
        )
    chosen = kind or guess_kind(inputs, named=columns is not None)
    if isinstance(inputs, dict | tuple):
        shape: tuple[int, ...] = ()
    else:
        shape = (_channels_first(inputs[:1]) if chosen == "signal" else inputs).shape[1:]
    if columns is None:
        return Display(chosen, (), shape)
    width = next(iter(shape), 0) if chosen in ("table", "signal") else 0
    if len(columns) != width:
        found = {"table": f"{width} columns", "signal": f"{width} channels"}.get(chosen, "no columns")
        raise InvalidData(
            f"There are {len(columns)} names in `columns`, but the inputs have {found}. Give one name to each column."
        )
    return Display(chosen, tuple(str(name) for name in columns), shape)


def guess_kind(inputs: Inputs, *, named: bool = False) -> str:
    """Return what inputs of this type and shape usually are; `named`: their columns have names.

    Whole numbers `[example, position]` without names are token ids, other `[example, feature]` a table. Real numbers
    `[example, channel, time]` with few channels, or much longer than wide, are signals.
    """
    if isinstance(inputs, dict | tuple):
        return "text" if _tokens(inputs) is not None else ""
    if inputs.ndim == 2:
        return "text" if inputs.dtype.kind in "iu" and not named else "table"
    if is_picture(inputs):
        return "picture" if _can_be("picture", inputs) else ""
    if _can_be("signal", inputs):
        few, many = sorted(_channels_first(inputs[:1]).shape[1:])
        if many > few and (few <= CHANNELS or many > CHANNELS * few):
            return "signal"
    return "picture" if _can_be("picture", inputs) else ""


def channels(inputs: NDArray[Any], display: Display) -> NDArray[Any]:
    """Return signals as `[example, channel, time]`, from the vectors that a record keeps of them."""
    return inputs.reshape(len(inputs), *display.shape)


def as_vectors(inputs: NDArray[Any], kind: str) -> NDArray[np.float32]:
    """Return tables, signals and token ids as one list of numbers per example; signals one channel after the other."""
    found = _channels_first(inputs) if kind == "signal" else inputs
    return found.reshape(len(inputs), -1).astype(np.float32)


def write_texts(inputs: Any, kind: str, show: Show | None) -> list[str] | None:
    """Return every example as text: what `show` makes of it, or for text without it the token ids; None for other data.

    `show` is a function of one example's inputs, or a vocabulary: words by token id. Raises InvalidData for a function
    that fails or returns no text.
    """
    if callable(show):
        n = len(next(iter(parts(inputs).values())))
        return [_written(show, rows(inputs, i), i) for i in range(n)]
    tokens = _tokens(inputs)
    if tokens is None or (kind != "text" and show is None):
        return None
    words = None if show is None else _words(show)
    return [_clean(_spelled(row, words)) for row in tokens.tolist()]


def _written(show: Callable[[Any], Any], one: Any, at: int) -> str:
    try:
        text = show(one)
    except Exception as error:
        raise InvalidData(
            f"`show` failed on input {at}: {type(error).__name__}: {error}. It gets the inputs of one example, and returns text."
        ) from error
    if not isinstance(text, str):
        raise InvalidData(f"`show` returned {type(text).__name__} for input {at}. It must return text.")
    return _clean(text)


def _clean(text: str) -> str:
    """Return text that a file can hold, and not too long."""
    return text[:LENGTH].encode("utf-8", "replace").decode()


def _words(show: Mapping[Any, Any] | Sequence[str]) -> Mapping[Any, str]:
    """Return words by token id; of a mapping from words to ids the reverse."""
    if not isinstance(show, Mapping):
        return dict(enumerate(show))
    if any(isinstance(key, str) for key in show):
        return {int(number): str(word) for word, number in show.items()}
    return {int(number): str(word) for number, word in show.items()}


def _spelled(row: list[int], words: Mapping[Any, str] | None) -> str:
    runs = [(token, len(list(same))) for token, same in groupby(row)]
    last, times = runs[-1] if runs else (0, 0)
    kept = row[: len(row) - times] if times >= REPEATED else row
    text = " ".join(str(token) if words is None else words.get(token, f"<{token}>") for token in kept)
    if times < REPEATED:
        return text
    word = str(last) if words is None else words.get(last, f"<{last}>")
    if words is not None and not word.strip("<>[]").replace("pad", "").replace("PAD", "").strip():
        return text  # padding, which has no word
    return f"{text} ({word}, {times} times)".strip()


def _tokens(inputs: Any) -> NDArray[Any] | None:
    """Return the token ids: the first array of whole numbers `[example, position]`."""
    for part in parts(inputs).values():
        if part.ndim == 2 and part.dtype.kind in "iu":
            return part
    return None


def _can_be(kind: str | None, inputs: NDArray[Any]) -> bool:
    if kind == "table":
        return inputs.ndim == 2
    if kind == "signal":
        return inputs.ndim in (2, 3) or (inputs.ndim == 4 and 1 in inputs.shape[1:])
    return inputs.ndim == 3 or (inputs.ndim == 4 and inputs.shape[1] in (1, 3))


def _channels_first(inputs: NDArray[Any]) -> NDArray[Any]:
    """Return `[example, channel, time]`: time is the longer axis, and an axis of length 1 beside two others is none."""
    if inputs.ndim == 2:
        return inputs[:, None]
    if inputs.ndim == 4:
        inputs = inputs.squeeze(1 + inputs.shape[1:].index(1))
    return inputs.transpose(0, 2, 1) if inputs.shape[1] > inputs.shape[2] else inputs
