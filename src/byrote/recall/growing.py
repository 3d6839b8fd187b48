"""Growing: an array that grows at its end, in time linear in what is added."""

from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import DTypeLike, NDArray


class Growing:
    """Rows of one type, at most half of them unused. `values` is a view, valid until the next change."""

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._room: NDArray[Any] = np.empty((0, *shape), dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> ndarray:
        """The rows."""
        return self._room[: self._count]

    def extend(self, rows: ndarray) -> None:
        """Append rows."""
        count = self._count + len(rows)
        if count > len(self._room):
            room = np.empty((max(count, 2 * len(self._room), 16), *self._room.shape[1:]), self._room.dtype)
            room[: self._count] = self.values
            self._overwrite()
            self._room = room
        self._room[self._count : count] = rows
        self._count = count

    def keep(self, mask: ndarray) -> None:
        """Drop the rows where the mask is False: what they held is in no array any more."""
        kept = self.values[mask]
        self._overwrite()
        self._room = np.empty((max(len(kept), 16), *self._room.shape[1:]), self._room.dtype)
        self._room[: len(kept)] = kept
        self._count = len(kept)

    def _overwrite(self) -> None:
        """Leave nothing in an array that is given up: what is deleted later must not stand in it."""
        self._room[...] = None if self._room.dtype == object else 0

    @property
    def bytes(self) -> int:
        """Bytes that are taken, with the unused rows."""
        return self._room.nbytes
