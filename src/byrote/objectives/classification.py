"""Classification: one of several classes. The loss is cross-entropy."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, refuses_unknown_names
from byrote.objectives.objective import Column, as_columns
from byrote.signature import spell

if TYPE_CHECKING:
    from torch import Tensor

FLOOR = 1e-7
"""Probabilities below it are taken for it: log 0 is no number. The largest loss is therefore 16.1."""


SUM = 1e-2
"""How far the sum of probabilities may be from 1: half precision rounds that much."""


@refuses_unknown_names
@dataclass(frozen=True)
class Classification:
    """The model gives one logit per class, or a single logit for the second of two classes. Targets are class indices from 0.

    The training loss is cross-entropy in nats, with `label_smoothing` (the share of the target that is spread over all
    classes), and a weight per class in the mean of a batch (`class_weights`), as in `torch.nn.CrossEntropyLoss`. The
    column `loss` is the cross-entropy of the label itself, whatever was trained with. `classes` is read from the task.
    Raises InvalidData for options that cannot train.
    """

    classes: int = 0
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()
    name: ClassVar[str] = "classification"
    outcome: ClassVar[str] = "correct"
    unit: ClassVar[tuple[str, str]] = ("class", "classes")

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise InvalidData(
                f"label_smoothing={self.label_smoothing!r} cannot train. Give a share, 0 or more and below 1."
            )
        if any(not np.isfinite(weight) or weight < 0 for weight in self.class_weights):
            raise InvalidData(f"class_weights={self.class_weights!r} cannot train. Give numbers, 0 or more.")

    def __str__(self) -> str:
        options = {"label_smoothing": self.label_smoothing, "class_weights": self.class_weights}
        return spell(self.name, {"classes": self.classes, **{k: v for k, v in options.items() if v}})

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for an example."""
        return self.classes

    def output_shape(self, target: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what a model gives for one example: a list of numbers."""
        return (self.outputs,)

    def check(self, targets: NDArray[Any], ids: NDArray[np.str_]) -> Int[ndarray, " example"]:
        """Return class indices; raise InvalidData for labels that are not whole numbers, 0 or more, one per example."""
        if targets.ndim != 1:
            other = "Multilabel()" if np.isin(targets, (0, 1)).all() else "Regression()"
            raise InvalidData(
                f"Labels of classes are one per example, but these have shape {targets.shape} ({targets.dtype}). Give class indices, or objective=byrote.{other}."
            )
        bad = ~np.isfinite(targets) | (targets != np.floor(targets)) if targets.dtype.kind == "f" else targets < 0
        if bad.any() and targets.dtype.kind == "f":
            at = int(np.argmax(bad))
            raise InvalidData(
                f"Labels must be class indices (whole numbers), but that of example {str(ids[at])!r} is {targets.tolist()[at]!r} ({targets.dtype}). "
                "Map class names to 0, 1, 2 ..., or predict numbers with objective=byrote.Regression()."
            )
        labels = targets.astype(np.int64)
        if len(labels) and labels.min() < 0:
            at = int(np.argmin(labels))
            raise InvalidData(
                f"Label {labels[at]} of example {str(ids[at])!r} is out of range. Class indices start at 0."
            )
        return labels

    def fitted(self, targets: NDArray[Any], names: int) -> "Classification":
        """Return the objective with its number of classes."""
        found = replace(self, classes=names or self.classes or int(targets.max()) + 1)
        if found.class_weights and len(found.class_weights) != found.classes:
            raise InvalidData(
                f"There are {len(found.class_weights)} class_weights for {found.classes} classes. Give one for each class."
            )
        return found

    def columns(self) -> dict[str, Column]:
        """Return the columns of a clean pass; docs/schema.md says what they mean."""
        return {
            "loss": "float32",
            "margin": "float32",
            "confidence": "float32",
            "residual": "float32",
            "correct": "bool",
            "prediction": "int32",
        }

    def training_columns(self) -> tuple[str, ...]:
        """Return all columns: the training pass has them at hand."""
        return tuple(self.columns())

    def to_tensor(self, targets: NDArray[Any]) -> "Tensor":
        """Return the class indices."""
        import torch  # heavy, and not needed to describe an objective

        return torch.from_numpy(targets)

    def losses(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the cross-entropy of each example, in nats; the part that is smoothed weighs classes as torch does."""
        from torch.nn import functional

        z, smoothing = logits(outputs), self.label_smoothing
        own = self.weights(targets)
        if own is None or not smoothing:
            return functional.cross_entropy(z, targets, reduction="none", label_smoothing=smoothing)
        import torch

        each = torch.tensor(self.class_weights, device=z.device, dtype=z.dtype)
        weighed = functional.cross_entropy(z, targets, each, reduction="none", label_smoothing=smoothing)
        return torch.where(own > 0, weighed / own.clamp_min(torch.finfo(z.dtype).tiny), 0.0)  # `weights` multiply again

    def weights(self, targets: "Tensor") -> "Tensor | None":
        """Return the weight of each example's class."""
        if not self.class_weights:
            return None
        import torch

        return torch.tensor(self.class_weights, device=targets.device)[targets]

    def observe(self, outputs: "Tensor", targets: "Tensor") -> dict[str, NDArray[Any]]:
        """Return loss, margin, confidence, residual, correct and prediction of each row."""
        return observe(logits(outputs), targets)

    def from_predictions(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Return logits from class probabilities, which are cut off at 1e-7."""
        return np.log(np.clip(predictions, FLOOR, 1.0))

    def wrong(self, targets: NDArray[Any], which: Int[ndarray, " example"], rng: np.random.Generator) -> NDArray[Any]:
        """Return another class for each example of `which`: one that examples have, each as likely."""
        used = self._used(targets)
        at = np.searchsorted(used, targets[which])
        return used[(at + rng.integers(1, len(used), len(which))) % len(used)]

    def random(self, targets: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
        """Return classes that examples have, each as likely."""
        used = self._used(targets)
        return used[rng.integers(0, len(used), count)]

    def unlike(self, targets: NDArray[Any], target: Any) -> Bool[ndarray, " example"]:
        """Return which have another class."""
        return targets != target

    def _used(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return the classes that examples have; all classes where they have only one, which leaves no wrong one."""
        used = np.unique(targets)
        return used if len(used) > 1 else np.arange(self.classes)


def logits(outputs: "Tensor") -> "Tensor":
    """Return `[example, class]`. A single logit z is that of the second of two classes, whose logits are 0 and z."""
    import torch

    column = as_columns(outputs)
    return torch.cat([torch.zeros_like(column), column], dim=1) if column.shape[1] == 1 else column


def are_probabilities(outputs: "Tensor") -> bool:
    """Return whether all rows are class probabilities, and so no logits: no number is negative, and each row sums to 1.

    Rows of nothing but 0 and 1 could be either, and do not count.
    """
    if outputs.ndim != 2 or outputs.shape[1] < 2 or not len(outputs):
        return False
    fits = (outputs >= 0).all() and ((outputs.float().sum(1) - 1).abs() <= SUM).all()
    return bool(fits and ((outputs > 0) & (outputs < 1)).any())


def observe(logits: "Tensor", labels: "Tensor") -> dict[str, NDArray[np.generic]]:
    """Return loss, margin, confidence, residual, correct and prediction of each row; see docs/schema.md for what they mean.

    `logits` is `[example, class]` of any float type (half precision is widened first), `labels` are class indices.
    """
    import torch

    with torch.no_grad():
        z = logits.detach().float()
        prediction = z.argmax(1)
        by_class = z.t().contiguous()  # reductions over a short last axis are an order of magnitude slower
        own = by_class.gather(0, labels[None])[0]
        others = by_class.scatter(0, labels[None], -torch.inf)
        rival = others.amax(0)
        against = rival + (others - rival).exp_().sum(0).log_()
        loss = torch.nn.functional.softplus(against - own)  # keeps what log-softmax rounds to 0 when the model is sure
        spread = (others - (own + loss)).exp_().square_().sum(0)
        columns = {
            "loss": loss,
            "margin": own - rival,
            "confidence": (-loss).exp(),
            "residual": (torch.expm1(-loss).square() + spread).sqrt(),
            "correct": prediction == labels,
            "prediction": prediction.to(torch.int32),
        }
        return {name: column.cpu().numpy() for name, column in columns.items()}
