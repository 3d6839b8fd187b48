"""Mixup: models are trained on mixtures of two examples (Zhang et al., 2018, arXiv:1710.09412)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from byrote.controls._inputs import check_real
from byrote.controls.control import MethodControl, check_knob
from byrote.errors import InvalidData
from byrote.record.inputs import each, parts
from byrote.task.methods import Mixing
from byrote.task.schedule import Knob
from byrote.task.task import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class mixup(MethodControl, Mixing):
    """Trains on share * own + (1 - share) * partner's of inputs and losses, with a share from Beta(alpha, alpha) per batch.

    `alpha` near 0 hardly mixes, at 1 all shares are as likely, and far above 1 it is always about half and half; 0 changes
    nothing. Partners are drawn anew in each batch, as in the authors' code. For any inputs of real numbers. An example is
    never shown as it is, so its label is harder to learn by heart; the authors report less memorization of wrong labels
    (section 3.4). Losses of the training pass are of mixed inputs with the own label, and so are higher: compare clean
    passes. It misleads where a mixture of two inputs means nothing.
    """

    alpha: Knob
    name: ClassVar[str] = "mixup"
    strengths: ClassVar[tuple[Any, ...]] = (0.2, 1.0, 4.0)

    def __post_init__(self) -> None:
        check_knob(self, "alpha", self.alpha)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless all inputs are real numbers, and nothing else mixes them."""
        check_real(self, task, all_parts=True)
        check_alone(self, task)

    def mix(self, inputs: Any, strength: float, seed: int) -> "tuple[Any, Tensor, Tensor]":
        """Return the mixed inputs `[example, ...]`, each one's partner, and the share of its own (0 to 1), all `[example]`."""
        partner, share = drawn(inputs, strength, seed)
        mixed = each(lambda part: share * part + (1 - share) * part[partner], inputs)
        return mixed, partner, shares(partner, share)


def check_alone(control: MethodControl, task: Task) -> None:
    """Raise InvalidData when the task has another method that mixes: an example can have one partner and one share."""
    for other in task.recipe.methods:
        if isinstance(other, Mixing) and other.name != control.name:
            raise InvalidData(f"{control} and {other} both mix the examples of a batch. Give one of them.")


def drawn(inputs: Any, alpha: float, seed: int) -> "tuple[Tensor, float]":
    """Return each example's partner, from a permutation of the batch, and the share of its own from Beta(alpha, alpha)."""
    import torch  # heavy, and not needed to describe a control

    rng = np.random.default_rng(seed)
    one = next(iter(parts(inputs).values()))
    share = float(rng.beta(alpha, alpha)) if alpha > 0 else 1.0
    return torch.from_numpy(rng.permutation(len(one))).to(one.device), share


def shares(partner: "Tensor", share: float) -> "Tensor":
    """Return the share of its own for each example, `[example]`."""
    import torch  # heavy, and not needed to describe a control

    return torch.full((len(partner),), share, device=partner.device)
