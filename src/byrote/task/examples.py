"""Examples: inputs, labels and stable ids, checked once when they enter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData


@dataclass(frozen=True, init=False, eq=False)
class Examples:
    """Inputs with labels and ids, in a fixed order.

    `inputs` is an array whose first axis counts examples: uint8 images (divided by 255 before a model sees them) or
    float32. Images are `[example, channel, height, width]` or `[example, height, width]`, vectors `[example,
    feature]`. `labels` are class indices from 0. `ids` name the examples within their split (default: their
    position); they travel with every value that is ever recorded. `groups` names what is left out together (copies,
    one person's rows).

    Raises InvalidData for lengths that differ, NaN or infinite inputs, labels that are not whole numbers >= 0, and
    repeated ids.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    ids: NDArray[np.str_]
    groups: NDArray[np.str_] | None

    def __init__(
        self,
        inputs: Any,
        labels: Any,
        ids: Sequence[object] | None = None,
        *,
        groups: Sequence[object] | None = None,
    ) -> None:
        x, y = _array("Inputs", inputs), _array("Labels", labels)
        n = len(x) if x.ndim else 0
        if x.ndim < 2 or n == 0:
            raise InvalidData(f"Inputs need at least two axes and one example; these have shape {x.shape}.")
        named = np.arange(n).astype(np.str_) if ids is None else _names("Ids", ids)
        grouped = None if groups is None else _names("Groups", groups)
        for what, array in (("labels", y), ("ids", named), ("groups", grouped)):
            if array is not None and array.shape != (n,):
                raise InvalidData(f"There are {n} inputs but {what} of shape {array.shape}. Give one to each example.")
        object.__setattr__(self, "inputs", _inputs(x, named))
        object.__setattr__(self, "labels", _labels(y, named))
        object.__setattr__(self, "ids", _unique(named))
        object.__setattr__(self, "groups", grouped)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: NDArray[Any]) -> "Examples":
        """Return the examples at these positions (or where this mask is true), ids and groups included."""
        groups = None if self.groups is None else list(self.groups[which])
        return Examples(self.inputs[which], self.labels[which], list(self.ids[which]), groups=groups)


def _array(what: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        told = str(error).split("\n")[0]
        raise InvalidData(
            f"{what} cannot be read as an array: {told} Give a NumPy array, or a detached CPU tensor."
        ) from None


def _names(what: str, values: Sequence[object]) -> NDArray[np.str_]:
    """Return the entries as text: those of a tensor or array by their value, not by how they print."""
    entries = values if isinstance(values, list | tuple) else _array(what, values).tolist()
    return np.array([str(entry) for entry in entries], dtype=np.str_)


def _inputs(x: NDArray[Any], ids: NDArray[np.str_]) -> NDArray[Any]:
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "fiub":
        raise InvalidData(f"Inputs must be numbers, but they have dtype {x.dtype}. Convert them to float32 or uint8.")
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused as such
        x = x.astype(np.float32)
    bad = ~np.isfinite(x.reshape(len(x), -1)).all(axis=1)
    if bad.any():
        raise InvalidData(
            f"{bad.sum()} of {len(x)} inputs hold NaN or infinite values, the first with id {str(ids[bad][0])!r}. "
            "Fill or remove them before the audit."
        )
    return x


def _labels(y: NDArray[Any], ids: NDArray[np.str_]) -> NDArray[np.int64]:
    bad = ~np.isfinite(y) | (y != np.floor(y)) if y.dtype.kind in "iufb" else np.ones(len(y), np.bool_)
    if bad.any():
        at = int(np.argmax(bad))
        raise InvalidData(
            f"Labels must be class indices (whole numbers), but that of example {str(ids[at])!r} is {y.tolist()[at]!r} ({y.dtype}). Map class names to 0, 1, 2 ..."
        )
    y = y.astype(np.int64)
    if y.min() < 0:
        at = int(np.argmin(y))
        raise InvalidData(f"Label {y[at]} of example {str(ids[at])!r} is out of range. Class indices start at 0.")
    return y


def _unique(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    names, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        twice = names[counts > 1]
        raise InvalidData(
            f"{len(twice)} ids are used more than once, for example {str(twice[0])!r}. Give every example of a split its own id."
        )
    return ids
