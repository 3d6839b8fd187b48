"""Multilabel: any of several labels at once. The loss is binary cross-entropy."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, refuses_unknown_names
from byrote.objectives.classification import FLOOR
from byrote.objectives.objective import Column, as_columns, of_another
from byrote.signature import spell

if TYPE_CHECKING:
    from torch import Tensor


@refuses_unknown_names
@dataclass(frozen=True)
class Multilabel:
    """The model gives one logit per label. Targets are `[example, label]` of 0 and 1, or of bool.

    The training loss of an example is the mean over labels of the binary cross-entropy, in nats. The outcome is the
    share of its labels that are predicted right (1 - Hamming loss); `correct` says that all are (subset accuracy). Each
    label also has columns of its own. `labels`, how many there are, is read from the task.
    """

    labels: int = 0
    name: ClassVar[str] = "multilabel"
    outcome: ClassVar[str] = "labels_correct"
    unit: ClassVar[tuple[str, str]] = ("label", "labels")

    def __str__(self) -> str:
        return spell(self.name, {"labels": self.labels})

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for an example."""
        return self.labels

    def output_shape(self, target: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what a model gives for one example: a list of numbers."""
        return (self.outputs,)

    def check(self, targets: NDArray[Any], ids: NDArray[np.str_]) -> NDArray[np.int8]:
        """Return 0 and 1 as int8; raise InvalidData for other values, and for what is not `[example, label]`."""
        if targets.ndim != 2 or not targets.shape[1]:
            raise InvalidData(f"Several labels per example are [example, label], but these have shape {targets.shape}.")
        bad = ~np.isin(targets, (0, 1)).all(axis=1)
        if bad.any():
            raise InvalidData(
                f"Labels must be 0 or 1, but {bad.sum()} of {len(targets)} examples have others, the first with id {str(ids[bad][0])!r}."
            )
        return targets.astype(np.int8)

    def fitted(self, targets: NDArray[Any], names: int) -> "Multilabel":
        """Return the objective with its number of labels."""
        return replace(self, labels=targets.shape[1])

    def columns(self) -> dict[str, Column]:
        """Return the columns of a clean pass; docs/schema.md says what they mean."""
        each = range(self.labels)
        return {
            "loss": "float32",
            "margin": "float32",
            "confidence": "float32",
            "residual": "float32",
            "correct": "bool",
            "labels_correct": "float32",
            **{f"correct_{i}": "bool" for i in each},
            **{f"confidence_{i}": "float32" for i in each},
        }

    def training_columns(self) -> tuple[str, ...]:
        """Return those about whole examples."""
        return ("loss", "margin", "confidence", "residual", "correct", "labels_correct")

    def to_tensor(self, targets: NDArray[Any]) -> "Tensor":
        """Return 0 and 1 as float32."""
        import torch  # heavy, and not needed to describe an objective

        return torch.from_numpy(targets.astype(np.float32))

    def losses(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the mean binary cross-entropy over the labels of each example, in nats."""
        from torch.nn import functional

        return functional.binary_cross_entropy_with_logits(as_columns(outputs), targets, reduction="none").mean(1)

    def weights(self, targets: "Tensor") -> None:
        """Return None: all weigh the same."""

    def observe(self, outputs: "Tensor", targets: "Tensor") -> dict[str, NDArray[Any]]:
        """Return the columns of each row."""
        import torch
        from torch.nn import functional

        with torch.no_grad():
            z = as_columns(outputs.detach().float())
            own = torch.where(targets > 0.5, z, -z)  # above 0: this label is predicted right
            losses, right = functional.softplus(-own), own > 0
            found = {
                "loss": losses.mean(1),
                "margin": own.amin(1),
                "confidence": own.sigmoid().mean(1),
                "residual": (-own).sigmoid().norm(dim=1),
                "correct": right.all(1),
                "labels_correct": right.float().mean(1),
            }
            for i in range(self.labels):
                found[f"correct_{i}"], found[f"confidence_{i}"] = right[:, i], own[:, i].sigmoid()
            return {name: found[name].cpu().numpy() for name in self.columns()}

    def from_predictions(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Return logits from the probabilities of each label, which are cut off at 1e-7."""
        kept = np.clip(predictions, FLOOR, 1 - FLOOR)
        return np.log(kept) - np.log1p(-kept)

    def wrong(self, targets: NDArray[Any], which: Int[ndarray, " example"], rng: np.random.Generator) -> NDArray[Any]:
        """Return for each example of `which` the labels of another one that has others."""
        return of_another(self.unlike, targets, which, rng)

    def random(self, targets: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
        """Return the labels of random training examples."""
        return targets[rng.integers(0, len(targets), count)]

    def unlike(self, targets: NDArray[Any], target: Any) -> Bool[ndarray, " example"]:
        """Return which have other labels."""
        return (targets != target).any(axis=1)
