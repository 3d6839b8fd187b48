"""Regression: one or several numbers. Errors are in units of the training targets' standard deviation."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, refuses_unknown_names, unknown
from byrote.objectives.objective import Column, as_columns, of_another, rows
from byrote.signature import spell

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = ("squared", "absolute", "huber")

COARSE = 1e-3
"""Largest rounding of a target in float32, in standard deviations."""


@refuses_unknown_names
@dataclass(frozen=True)
class Regression:
    """The model gives one number per target, in standard units: (target - mean) / standard deviation of the training targets.

    byrote standardizes the targets, so a model trains at usual learning rates whatever their units; the column
    `prediction` is in the units of the targets again. The training loss of an example is the mean over targets of the
    squared error, the absolute error, or Huber's loss with `delta`, all in standard units. So `loss` of the squared
    kind is the squared error over the variance, and `r2` is 1 minus that: its mean over all training examples is R2.

    `mean` and `scale` (the standard deviation) are one number per target, of all real training examples whoever trains on
    them; they are read from the task. Raises InvalidData for options that cannot train.
    """

    loss: Literal["squared", "absolute", "huber"] = "squared"
    delta: float = 1.0
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    name: ClassVar[str] = "regression"
    outcome: ClassVar[str] = "r2"
    unit: ClassVar[tuple[str, str]] = ("target", "targets")

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise unknown("loss", str(self.loss), LOSSES)
        if not (np.isfinite(self.delta) and self.delta > 0):
            raise InvalidData(f"delta={self.delta!r} is no threshold of Huber's loss. Give a number above 0.")
        if (
            len(self.mean) != len(self.scale)
            or not np.isfinite((*self.mean, *self.scale)).all()
            or any(s <= 0 for s in self.scale)
        ):
            raise InvalidData(
                f"mean={self.mean} and scale={self.scale} are no units. Give one finite number per target, the scale above 0."
            )

    def __str__(self) -> str:
        delta = {"delta": self.delta} if self.loss == "huber" else {}
        return spell(self.name, {"loss": self.loss, **delta, "mean": self.mean, "scale": self.scale})

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for an example."""
        return len(self.scale)

    def output_shape(self, target: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what a model gives for one example: a list of numbers."""
        return (self.outputs,)

    def check(self, targets: NDArray[Any], ids: NDArray[np.str_]) -> Float[ndarray, "..."]:
        """Return targets as float32; raise InvalidData for NaN, infinity, and what has more than two axes."""
        if targets.ndim > 2 or (targets.ndim == 2 and not targets.shape[1]):
            raise InvalidData(f"Targets have shape {targets.shape}. Give one number per example, or [example, target].")
        with np.errstate(over="ignore"):
            values = targets.astype(np.float32)
        bad = ~np.isfinite(rows(values)).all(axis=1)
        if bad.any():
            raise InvalidData(
                f"{bad.sum()} of {len(values)} targets are NaN or infinite, the first with id {str(ids[bad][0])!r}. Fill or remove them before the audit."
            )
        return values

    def fitted(self, targets: NDArray[Any], names: int) -> "Regression":
        """Return the objective in the units of these targets, unless it has units already."""
        if self.scale:
            return self
        values = rows(targets).astype(np.float64)
        scale = values.std(axis=0)
        coarse = np.spacing(np.abs(values).max(axis=0).astype(np.float32)) > COARSE * scale
        if (coarse & (scale > 0)).any():
            raise InvalidData(
                f"Target {int(np.argmax(coarse))} lies so far from 0, compared with its standard deviation of {scale[np.argmax(coarse)]:.3g}, that float32 rounds it away. Subtract a constant from it."
            )
        if (scale == 0).any():
            raise InvalidData(
                f"Target {int(np.argmax(scale == 0))} has the same value for all {len(targets)} training examples. There is nothing to learn."
            )
        return replace(self, mean=tuple(values.mean(axis=0).tolist()), scale=tuple(scale.tolist()))

    def columns(self) -> dict[str, Column]:
        """Return the columns of a clean pass; docs/schema.md says what they mean."""
        predictions = ("prediction",) if self.outputs == 1 else [f"prediction_{i}" for i in range(self.outputs)]
        return {"loss": "float32", "r2": "float32", "residual": "float32", **dict.fromkeys(predictions, "float32")}

    def training_columns(self) -> tuple[str, ...]:
        """Return all columns: the training pass has them at hand."""
        return tuple(self.columns())

    def to_tensor(self, targets: NDArray[Any]) -> "Tensor":
        """Return `[example, target]` in standard units."""
        import torch  # heavy, and not needed to describe an objective

        return torch.from_numpy(self.from_predictions(rows(targets)).astype(np.float32))

    def losses(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the loss of each example, the mean over its targets, in standard units."""
        return self._loss(as_columns(outputs) - targets)

    def weights(self, targets: "Tensor") -> None:
        """Return None: all weigh the same."""

    def observe(self, outputs: "Tensor", targets: "Tensor") -> dict[str, NDArray[Any]]:
        """Return loss, r2, residual and the predictions of each row."""
        import torch

        with torch.no_grad():
            z = as_columns(outputs.detach().float())
            error = z - targets
            mean, scale = (torch.tensor(each, device=z.device, dtype=z.dtype) for each in (self.mean, self.scale))
            found = {
                "loss": self._loss(error),
                "r2": 1 - error.square().mean(1),
                "residual": error.norm(dim=1),
            }
            names = [name for name in self.columns() if name not in found]
            found.update(zip(names, (z * scale + mean).unbind(1), strict=True))
            return {name: column.cpu().numpy() for name, column in found.items()}

    def from_predictions(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Return outputs, in standard units, from predictions in the units of the targets."""
        return (rows(np.asarray(predictions, np.float64)) - np.array(self.mean)) / np.array(self.scale)

    def wrong(self, targets: NDArray[Any], which: Int[ndarray, " example"], rng: np.random.Generator) -> NDArray[Any]:
        """Return for each example of `which` the target of another, a standard deviation away or more where there is one."""
        return of_another(self.unlike, targets, which, rng)

    def random(self, targets: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
        """Return targets of random training examples."""
        return targets[rng.integers(0, len(targets), count)]

    def unlike(self, targets: NDArray[Any], target: Any) -> Bool[ndarray, " example"]:
        """Return which targets are a standard deviation away or more (root mean square over the targets of an example)."""
        far = (rows(targets).astype(np.float64) - np.atleast_1d(target)) / np.array(self.scale)
        return np.sqrt((far**2).mean(axis=1)) >= 1

    def _loss(self, error: "Tensor") -> "Tensor":
        if self.loss == "squared":
            return error.square().mean(1)
        size = error.abs()
        if self.loss == "absolute":
            return size.mean(1)
        import torch

        return torch.where(size <= self.delta, error.square() / 2, self.delta * (size - self.delta / 2)).mean(1)
