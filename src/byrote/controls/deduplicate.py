"""Deduplicate: of copies, one is learned from (Lee et al., 2022, arXiv:2107.06499)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.controls._examples import DataControl, included, without
from byrote.controls.control import check_number
from byrote.errors import InvalidData
from byrote.record.inputs import is_picture, parts, rows
from byrote.task.task import Task

BLOCK_BYTES = 2**26
"""Memory for the distances that are computed at once."""

ROUNDING = 1e-4
"""How far a mean squared difference from a matrix product in float32 may be off, at most, compared with a mean square."""


@dataclass(frozen=True)
class deduplicate(DataControl):
    """Leaves out training examples that are within `distance` of an earlier one that stays; 0: exact copies only.

    Of copies the first stays, whatever their labels are: copies of different labels contradict each other. Distances are
    root mean square differences: of byte pictures from 0 to 1, of tables in the standard deviation of each feature, of
    other real numbers in the standard deviation of all values. Between whole numbers, such as token ids, it is the share of
    places in which they differ. Inputs of several arrays are compared for exact copies only. Every pair is compared where
    `distance` is above 0: minutes for 60,000 pictures.

    What is repeated is memorized far more (Lee et al., 2022), but as one thing: leaving copies out lowers the memorization
    of that thing, while `memorization` of each copy was low before, because the others stood in for it. It misleads where
    the distance is too large: different examples of a narrow class are left out. Look at how many go.
    """

    distance: float = 0.0
    name: ClassVar[str] = "deduplicate"
    zero: ClassVar[float | None] = None  # at 0 exact copies go
    strengths: ClassVar[tuple[Any, ...]] = (0.0, 0.02, 0.05)

    def __post_init__(self) -> None:
        check_number(self, "distance", self.distance)

    def change(self, task: Task) -> Task:
        """Return the task that leaves copies out; raise InvalidData for near copies among inputs of several arrays."""
        there = np.flatnonzero(included(task))
        inputs = rows(task.train.inputs, there)
        if self.distance and isinstance(inputs, dict | tuple):
            raise InvalidData(
                f"{self} compares inputs of one array, and those of {task.name!r} are several. Give deduplicate(0), for exact copies."
            )
        first = first_of_each(inputs)
        if self.distance:
            first = first[kept(inputs[first], self.distance)]
        out = np.zeros(len(task.train), np.bool_)
        out[there] = True
        out[there[first]] = False
        return without(self, task, out)


def first_of_each(inputs: Any) -> Int[ndarray, " kept"]:
    """Return the position of the first of each set of equal examples, in order."""
    arrays = [np.ascontiguousarray(part).reshape(len(part), -1) for part in parts(inputs).values()]
    arrays = [part + 0.0 if part.dtype.kind == "f" else part for part in arrays]  # -0.0 is 0.0
    seen: dict[bytes, int] = {}
    for at in range(len(arrays[0])):
        seen.setdefault(b"".join(part[at].tobytes() for part in arrays), at)
    return np.array(list(seen.values()), np.int64)


def kept(inputs: NDArray[Any], distance: float) -> Bool[ndarray, " example"]:
    """Return which examples stay, from first to last: those that are not within the distance of one that stays."""
    stays = np.ones(len(inputs), np.bool_)
    for at, near in _near(inputs, distance):
        stays[at] = not stays[near].any()
    return stays


def _near(inputs: NDArray[Any], distance: float) -> Iterator[tuple[int, Int[ndarray, " near"]]]:
    """Yield the position of each example that has earlier ones within the distance, and the positions of these."""
    flat = inputs.reshape(len(inputs), -1)
    whole = inputs.dtype.kind in "iub" and not is_picture(inputs)
    points = flat if whole else _points(flat, by_feature=inputs.ndim == 2)
    rows_at_once = max(1, BLOCK_BYTES // (4 * len(flat) * (flat.shape[1] if whole else 1)))
    for start in range(0, len(flat), rows_at_once):
        block = points[start : start + rows_at_once]
        earlier = points[: start + len(block)]
        near = (_differing(block, earlier) <= distance) if whole else _maybe(block, earlier, distance)
        for row, candidates in enumerate(near):
            at = start + row
            found = np.flatnonzero(candidates[:at])
            if len(found) and not whole:
                gap = points[found].astype(np.float64) - points[at]
                found = found[np.sqrt((gap**2).mean(axis=1)) <= distance]
            if len(found):
                yield at, found


def _points(flat: NDArray[Any], *, by_feature: bool) -> Float[ndarray, "example feature"]:
    """Return pixels from 0 to 1, or values in standard deviations: of each feature, or of all values."""
    if flat.dtype == np.uint8:
        return flat.astype(np.float32) / np.float32(255)
    values = flat.astype(np.float64)
    spread = values.std(axis=0 if by_feature else None)
    return ((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).astype(np.float32)


def _differing(block: NDArray[Any], earlier: NDArray[Any]) -> Float[ndarray, "block earlier"]:
    """Return the share of places in which examples differ."""
    return (block[:, None, :] != earlier[None, :, :]).mean(axis=2)


def _maybe(block: NDArray[Any], earlier: NDArray[Any], distance: float) -> Bool[ndarray, "block earlier"]:
    """Return which pairs may be within the distance, from a matrix product, with room for its rounding."""
    own, others = (np.einsum("ij,ij->i", part, part) / part.shape[1] for part in (block, earlier))
    total = own[:, None] + others
    return total - block @ earlier.T * np.float32(2 / block.shape[1]) <= distance**2 + ROUNDING * (total + 1)
