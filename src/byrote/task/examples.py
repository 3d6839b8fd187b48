"""Examples: inputs, targets and stable ids, checked once when they enter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.record import Inputs
from byrote.record.cells import Cell
from byrote.record.display import Display, Show, display_of, write_texts
from byrote.record.inputs import each, parts, rows

COARSE = 1e-3
"""Largest rounding of a feature in float32, in its standard deviations."""

FEW = 10
"""Below so many examples no rounding is refused."""

NOISE = 1e-12
"""What varies by less, compared with its largest value, varies by the rounding of a computation in float64."""

NUMBERS = (int, float)
SIZED = (list, tuple, np.ndarray)


@dataclass(frozen=True, init=False, eq=False)
class Examples:
    """Inputs with labels (or targets) and ids, in a fixed order.

    `inputs` is an array whose first axis counts examples; or a dict of such arrays, which a model gets as keyword
    arguments (a text's token ids with its attention mask); or a tuple, which it gets as positional ones. They reach the
    model as they are given: whole numbers as int64, bool as bool, real numbers as float32. Only byte pictures, uint8
    `[example, (channel,) height, width]`, are divided by 255.

    `labels` are class indices from 0; or numbers, `[example]` or `[example, target]`, for regression; or 0 and 1,
    `[example, label]`, for several labels at once. The task's objective checks them. Of a DataFrame the column names are
    kept as `label_columns`, and name the targets of a task. `ids` name the examples within
    their split (default: their position); they travel with every value that is ever recorded. `groups` names what is
    left out together (copies, one person's rows); an example whose group is missing (None, NaN, "") has none.
    `weights` are those of the examples' losses in training, relative to each other within a batch (default: all 1).

    The rest is for people, and changes no number of training. `kind` is what the data are: "picture", "table", "signal" or
    "text" (default: by type and shape; give it for signals `[example, time]`, which look like a table, and for
    tables of whole numbers, which look like token ids). `columns` names the columns of a table (default: those of a
    DataFrame) or the channels of a signal. `show` makes text of an example: a function of its inputs, such as
    a tokenizer's `decode`, or a vocabulary (words by token id, or ids by word).

    Raises InvalidData for lengths that differ, NaN or infinite inputs or weights, real numbers that float32 would round
    away, labels that are not numbers, repeated or missing ids, pandas objects whose index is not that of the inputs,
    and a `kind`, `columns` or `show` that does not fit the inputs.
    """

    inputs: Any
    labels: NDArray[Any]
    label_columns: tuple[str, ...]
    ids: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    weights: Float[ndarray, " example"] | None
    display: Display
    show: Show | None

    def __init__(
        self,
        inputs: Any,
        labels: Any,
        ids: Sequence[object] | None = None,
        *,
        groups: Sequence[object] | None = None,
        weights: Any = None,
        kind: str | None = None,
        columns: Sequence[object] | None = None,
        show: Show | None = None,
    ) -> None:
        _check_index(inputs, {"labels": labels, "ids": ids, "groups": groups, "weights": weights})
        named_columns = _columns_of(inputs) if columns is None else list(columns)
        x, y = _all_inputs(inputs), _array("Labels", labels)
        lengths = {name: len(part) if part.ndim else 0 for name, part in parts(x).items()}
        n = next(iter(lengths.values()), 0)
        single = not isinstance(x, dict | tuple)
        if not n or len(set(lengths.values())) > 1 or (single and x.ndim < 2):
            shapes = {name: part.shape for name, part in parts(x).items()}
            found = shapes[""] if single else shapes
            raise InvalidData(f"Inputs need at least two axes and one example; these have shape {found}.")
        named = np.arange(n).astype(np.str_) if ids is None else _names("Ids", ids)
        grouped = None if groups is None else _names("Groups", groups, missing="")
        weighed = None if weights is None else _array("Weights", weights)
        for what, array in (("labels", y), ("ids", named), ("groups", grouped), ("weights", weighed)):
            if array is None:
                continue
            if array.shape[:1] != (n,) or (array.ndim > 1 and what != "labels"):
                raise InvalidData(f"There are {n} inputs but {what} of shape {array.shape}. Give one to each example.")
        object.__setattr__(self, "inputs", each(lambda part: _checked_inputs(part, named), x))
        object.__setattr__(self, "labels", _labels(y, named))
        object.__setattr__(self, "label_columns", tuple(_columns_of(labels) or ()))
        object.__setattr__(self, "ids", _unique(named))
        object.__setattr__(self, "groups", grouped)
        object.__setattr__(self, "weights", None if weighed is None else _weights(weighed, named))
        object.__setattr__(self, "display", display_of(self.inputs, kind, named_columns))
        object.__setattr__(self, "show", show)
        write_texts(rows(self.inputs, slice(0, 1)), self.display.kind, show)  # a function that fails does so now

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: NDArray[Any]) -> "Examples":
        """Return the examples at these positions (or where this mask is true), ids, groups and weights included."""
        found = Examples(
            rows(self.inputs, which),
            self.labels[which],
            list(self.ids[which]),
            groups=None if self.groups is None else list(self.groups[which]),
            weights=None if self.weights is None else self.weights[which],
            kind=self.display.kind or None,
            columns=self.display.columns or None,
            show=self.show,
        )
        object.__setattr__(found, "label_columns", self.label_columns)
        return found.with_cells(self.display.cells)

    @property
    def layout(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The type and shape of what an example has as input, by the name of the input."""
        return {name: (str(part.dtype), part.shape[1:]) for name, part in parts(self.inputs).items()}

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example, of its first input if it has several."""
        return next(iter(parts(self.inputs).values())).shape[1:]

    def with_labels(self, labels: NDArray[Any]) -> "Examples":
        """Return the same examples with these labels."""
        return self._with("labels", labels)

    def with_ids(self, ids: Sequence[object]) -> "Examples":
        """Return the same examples with these ids; raise InvalidData for one that is there twice."""
        return self._with("ids", _unique(_names("Ids", ids)))

    def with_weights(self, weights: NDArray[Any]) -> "Examples":
        """Return the same examples with these weights; raise InvalidData for one that is not finite, or below 0."""
        return self._with("weights", _weights(weights, self.ids))

    def with_cells(self, cells: Sequence[Cell]) -> "Examples":
        """Return the same examples, whose columns people read as these cells: words of a category, dates, what is missing."""
        return self._with("display", replace(self.display, cells=tuple(cells)))

    def _with(self, name: str, value: Any) -> "Examples":
        found = object.__new__(Examples)
        for part in ("inputs", "labels", "label_columns", "ids", "groups", "weights", "display", "show"):
            object.__setattr__(found, part, value if part == name else getattr(self, part))
        return found


def _columns_of(values: Any) -> list[str] | None:
    """Return the column names of a DataFrame of pandas or polars."""
    columns = None if isinstance(values, Mapping | tuple | list | np.ndarray) else getattr(values, "columns", None)
    return None if columns is None or not hasattr(values, "to_numpy") else [str(name) for name in columns]


def _all_inputs(inputs: Any) -> Inputs:
    if isinstance(inputs, Mapping):
        return {str(name): _array(f"Inputs {name!r}", part) for name, part in inputs.items()}
    if isinstance(inputs, tuple):
        return tuple(_array(f"Inputs {i}", part) for i, part in enumerate(inputs))
    return _array("Inputs", inputs)


def _check_index(inputs: Any, others: Mapping[str, Any]) -> None:
    """Raise InvalidData when pandas would not bring these rows together in the order in which they stand."""
    first = next((part for part in _given_parts(inputs) if hasattr(part, "iloc")), None)
    for what, values in others.items():
        if first is not None and hasattr(values, "iloc") and not values.index.equals(first.index):
            raise InvalidData(
                f"The index of the {what} is not that of the inputs, and rows are taken in the order in which they stand. "
                f"Give {what}.loc[inputs.index], or {what}.to_numpy() if the order is right."
            )


def _given_parts(inputs: Any) -> Sequence[Any]:
    if isinstance(inputs, Mapping):
        return list(cast("Mapping[str, Any]", inputs).values())
    return cast("Sequence[Any]", inputs) if isinstance(inputs, tuple) else [inputs]


def _array(what: str, values: Any) -> NDArray[Any]:
    try:
        found = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        if "inhomogeneous" in reason:
            raise _ragged(what, values) from None
        raise InvalidData(
            f"{what} ({type(values).__name__}) cannot be read as an array: {reason} Give a NumPy array, or a detached CPU tensor."
        ) from None
    if found.dtype == object and len({len(each) for each in found.ravel().tolist() if isinstance(each, SIZED)}) > 1:
        raise _ragged(what, values)
    return found


def _ragged(what: str, values: Any) -> InvalidData:
    return InvalidData(
        f"{what} ({type(values).__name__}) cannot be read as an array: its entries have different lengths. "
        "Pad them to one length, and let a mask be another input: Examples({'ids': padded, 'mask': mask}, labels)."
    )


def _names(what: str, values: Any, missing: str | None = None) -> NDArray[np.str_]:
    """Return the entries as text: those of a tensor or array by their value, not by how they print.

    Those that are missing are `missing`; where that is None, raise InvalidData.
    """
    entries: list[object] = list(values) if isinstance(values, list | tuple) else _array(what, values).tolist()
    gone = [_is_missing(entry) for entry in entries]
    if missing is None and any(gone):
        at = gone.index(True)
        raise InvalidData(f"{what} must all be there, but number {at} is {entries[at]!r}. Give every example its own.")
    return np.array([missing if no else str(entry) for entry, no in zip(entries, gone, strict=True)], dtype=np.str_)


def _is_missing(entry: object) -> bool:
    """Whether this is what stands for nothing: None, NaN, or pandas' NA and NaT."""
    return (
        entry is None
        or type(entry).__name__ in ("NAType", "NaTType")
        or (isinstance(entry, float | np.floating) and np.isnan(entry))
    )


def _checked_inputs(x: NDArray[Any], ids: NDArray[np.str_]) -> NDArray[Any]:
    if x.dtype.kind in "iub":
        return x
    if x.dtype.kind != "f":
        entries = enumerate(x.ravel().tolist())
        at, odd = next(((i, v) for i, v in entries if not isinstance(v, NUMBERS)), (0, x.flat[0]))
        raise InvalidData(
            f"Inputs must be numbers, but they have dtype {x.dtype}: example {str(ids[at * len(x) // x.size])!r} holds {repr(odd)[:60]} ({type(odd).__name__}). "
            "Convert them to float32 or uint8."
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused as such
        single = x.astype(np.float32)
    bad = ~np.isfinite(single.reshape(len(x), -1)).all(axis=1)
    if bad.any():
        raise InvalidData(
            f"{bad.sum()} of {len(x)} inputs hold NaN or infinite values, the first with id {str(ids[bad][0])!r}. "
            "Fill or remove them before the audit."
        )
    if x.dtype.itemsize > single.dtype.itemsize:
        _check_rounding(x, single)
    return single


def _check_rounding(x: NDArray[Any], single: NDArray[np.float32]) -> None:
    """Raise InvalidData for a feature that float32 rounds by more than COARSE of its standard deviation.

    What varies by no more than the rounding of float64 is constant; of a few examples the deviation is not known.
    """
    off = np.abs(x - single).max(axis=0)
    if len(x) < FEW or not off.any():
        return
    spread = x.std(axis=0)
    coarse = np.flatnonzero((off > COARSE * spread) & (spread > NOISE * np.abs(x).max(axis=0)))
    if len(coarse):
        raise InvalidData(
            f"Feature {coarse[0]} lies so far from 0, compared with its standard deviation of {spread.ravel()[coarse[0]]:.3g}, that float32 rounds it by up to {off.ravel()[coarse[0]]:.3g}. "
            "Subtract a constant from it, or give whole numbers that are names as int64."
        )


def _labels(y: NDArray[Any], ids: NDArray[np.str_]) -> NDArray[Any]:
    """Return numbers as they are (whole ones as int64); what they mean is for the objective to check."""
    if y.dtype.kind not in "iufb":
        raise InvalidData(
            f"Labels must be numbers, but that of example {str(ids[0])!r} is {y.tolist()[0]!r} ({y.dtype}). Map class names to 0, 1, 2 ..."
        )
    return y if y.dtype.kind == "f" else y.astype(np.int64)


def _weights(weights: NDArray[Any], ids: NDArray[np.str_]) -> Float[ndarray, " example"]:
    bad = ~np.isfinite(weights) | (weights < 0) if weights.dtype.kind in "iufb" else np.ones(len(weights), np.bool_)
    if bad.any():
        at = int(np.argmax(bad))
        raise InvalidData(
            f"The weight of example {str(ids[at])!r} is {weights.tolist()[at]!r}. Give finite numbers, 0 or more."
        )
    return weights.astype(np.float32)


def _unique(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    names, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        twice = names[counts > 1]
        raise InvalidData(
            f"{len(twice)} ids are used more than once, for example {str(twice[0])!r}. Give every example of a split its own id."
        )
    return ids
