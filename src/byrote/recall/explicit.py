"""What every explicit memory can do, wherever its entries are kept: in RAM, in a database."""

from collections.abc import Sequence
from typing import Any, Protocol

from jaxtyping import Float32
from numpy import ndarray

from byrote.recall.answers import Answers
from byrote.recall.deletion import Deletion
from byrote.recall.index import Metric
from byrote.recall.threshold import Threshold


class ExplicitMemory(Protocol):
    """Keys with ids and values. `byrote.recall.Memory` says what each method does and raises."""

    @property
    def width(self) -> int:
        """How many numbers a key has."""
        ...

    @property
    def metric(self) -> Metric:
        """How distances are measured."""
        ...

    def __len__(self) -> int: ...

    def __contains__(self, id_: object) -> bool: ...

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the order in which they were added."""
        ...

    @property
    def values(self) -> ndarray:
        """The values, in the order of `ids`."""
        ...

    def keys(self, ids: Sequence[str] | None = None) -> Float32[ndarray, "entry width"]:
        """Return the stored keys of some ids, or all in the order of `ids`."""
        ...

    @property
    def fingerprint(self) -> int:
        """A number of what it holds: equal for equal contents, in any order and in any kind of memory."""
        ...

    def look_up(self, keys: Any, k: int = 1) -> Answers:
        """Return the `k` nearest stored keys of each query, and whether the nearest is near enough."""
        ...

    def add(self, keys: Any, values: Any, ids: Sequence[str] | None = None) -> tuple[str, ...]:
        """Store keys with their values, and return the ids that were evicted for them."""
        ...

    def update(self, ids: Sequence[str], values: Any) -> None:
        """Give other values to entries that are there."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Forget entries."""
        ...

    def delete_and_prove(self, ids: Sequence[str]) -> Deletion:
        """Forget entries, and return what shows that they are gone."""
        ...

    def calibrate(self, impostors: Any, false_accept: float) -> Threshold:
        """Set the threshold beyond which a query is not known, and return it."""
        ...

    @property
    def threshold(self) -> Threshold | None:
        """The threshold for what it holds now; None where it was not calibrated, or holds nothing."""
        ...
