"""What every objective has: targets, a loss per example, columns of the record, and an outcome."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Column = Literal["bool", "int32", "float32", "float64"]
"""The type of a column, as it is spelled in record.json."""


class Objective(Protocol):
    """What a network learns, as a frozen value that is spelled in record.json and read back.

    An objective is first written by the user (`Regression(loss="huber")`) and then `fitted` to the training targets: it
    then knows how many outputs a model has, and the units of the targets. Targets are arrays, one row per example.
    """

    name: ClassVar[str]
    outcome: ClassVar[str]
    """The column that says how good a prediction is, high is good: its mean is the accuracy, or R2."""
    unit: ClassVar[tuple[str, str]]
    """What a model gives one output for, in a sentence about one and about several."""

    def __str__(self) -> str: ...

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for an example; of texts, at each place of one."""
        ...

    def output_shape(self, target: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what a model gives for one example, whose target has the shape `target`."""
        ...

    def check(self, targets: NDArray[Any], ids: NDArray[np.str_]) -> NDArray[Any]:
        """Return targets in the type that is recorded; raise InvalidData when one cannot be learned."""
        ...

    def fitted(self, targets: NDArray[Any], names: int) -> "Objective":
        """Return the objective with what it reads from the real training targets; `names` counts the named outputs (0: none)."""
        ...

    def columns(self) -> dict[str, Column]:
        """Return the columns of a clean pass, by name."""
        ...

    def training_columns(self) -> tuple[str, ...]:
        """Return which of the columns the training pass records too, as `NAME_seen`."""
        ...

    def to_tensor(self, targets: NDArray[Any]) -> "Tensor":
        """Return targets as the loss reads them."""
        ...

    def losses(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the training loss of each example, which gradients flow through."""
        ...

    def weights(self, targets: "Tensor") -> "Tensor | None":
        """Return the weight of each example's loss in the mean of its batch; None where all weigh the same."""
        ...

    def observe(self, outputs: "Tensor", targets: "Tensor") -> dict[str, NDArray[Any]]:
        """Return all `columns` of one pass, one value per example."""
        ...

    def from_predictions(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Return outputs from what a model of another kind predicts, in the units of the targets."""
        ...

    def wrong(self, targets: NDArray[Any], which: Int[ndarray, " example"], rng: np.random.Generator) -> NDArray[Any]:
        """Return a wrong target for each example of `which`, as a mislabeled example would have."""
        ...

    def random(self, targets: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
        """Return targets of examples that do not exist."""
        ...

    def unlike(self, targets: NDArray[Any], target: Any) -> Bool[ndarray, " example"]:
        """Return which targets are clearly different from this one."""
        ...


Unlike = Callable[[NDArray[Any], Any], Bool[ndarray, " example"]]
"""Says which targets are clearly different from one, as `Objective.unlike` does."""


def rows(targets: NDArray[Any]) -> NDArray[Any]:
    """Return `[example, target]`: one column for a plain list of targets."""
    return targets[:, None] if targets.ndim == 1 else targets


def as_columns(outputs: "Tensor") -> "Tensor":
    """Return `[example, output]`: one column where a model gives a plain list of numbers."""
    return outputs[:, None] if outputs.ndim == 1 else outputs


def of_another(
    unlike: Unlike, targets: NDArray[Any], which: Int[ndarray, " example"], rng: np.random.Generator
) -> NDArray[Any]:
    """Return for each example of `which` the target of another one, clearly different where there is one."""
    donors: list[int] = []
    for at in which:
        others = np.flatnonzero(unlike(targets, targets[at]))
        donors.append(int(rng.choice(others)) if len(others) else int(rng.integers(len(targets))))
    return targets[np.array(donors, np.int64)]
