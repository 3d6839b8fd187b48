"""Early-learning regularization: predictions stay near what was predicted before (Liu et al., 2020, arXiv:2007.00151)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from byrote.controls._classes import log_probabilities
from byrote.controls.control import MethodControl, check_classes, check_knob
from byrote.errors import InvalidData
from byrote.task.methods import Batch, LossMethod, Mixing
from byrote.task.schedule import Knob
from byrote.task.task import Task

LEAST = 1e-4
"""Probabilities are kept from 0 and 1 by so much, as the authors do, so that no logarithm is infinite."""


@dataclass(frozen=True)
class early_learning_regularization(MethodControl, LossMethod):
    """Adds weight times log(1 - <p, t>) to each loss, where t is the running mean of the predictions p of that example.

    0 changes nothing; the paper takes weight 3 and momentum 0.7 for CIFAR-10, 7 and 0.9 for CIFAR-100. After each forward
    pass t becomes momentum * t + (1 - momentum) * p without a gradient. What a model predicts before it fits
    wrong labels is held on to. So it needs an early phase in which predictions are right: it holds on to early mistakes too,
    those of rare groups among them. It keeps a number per example and class for each run, and cannot be used with what mixes
    examples. With `sam` the running mean moves twice per update. On a small perceptron it costs a quarter
    of an update, on a convolutional network 5 %.
    """

    weight: Knob
    momentum: float = 0.7
    name: ClassVar[str] = "early_learning_regularization"
    strengths: ClassVar[tuple[Any, ...]] = (1.0, 3.0, 7.0)

    def __post_init__(self) -> None:
        check_knob(self, "weight", self.weight)
        if not 0 <= self.momentum < 1:
            raise InvalidData(
                f"{self.name}(momentum={self.momentum!r}) cannot train. Give a number, 0 or more and below 1."
            )

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns classes, from examples that are not mixed."""
        check_classes(self, task)
        for other in task.recipe.methods:
            if isinstance(other, Mixing):
                raise InvalidData(f"{self.name} follows each example, and {other} mixes them. Give one of them.")

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses with the regularization; the running means are in the state of the batch."""
        p = log_probabilities(batch).exp().clamp(LEAST, 1 - LEAST)
        known = _known(batch, p)[batch.runs]
        run = torch.arange(len(known), device=known.device).unsqueeze(1)
        with torch.no_grad():
            now = p.detach() / p.detach().sum(-1, keepdim=True)
            target = self.momentum * known[run, batch.positions] + (1 - self.momentum) * now
            known[run, batch.positions] = target
        return losses + strength * (1 - (target * p).sum(-1)).log()


def _known(batch: Batch, p: Tensor) -> Tensor:
    """Return the running means `[run, example, class]` of all runs up to those of this batch; 0 at first."""
    known = batch.state.get("known", p.new_zeros(0, batch.number, p.shape[-1]))
    if len(known) < batch.runs.stop:
        new = p.new_zeros(batch.runs.stop - len(known), *known.shape[1:])
        known = batch.state["known"] = torch.cat([known, new])
    return known
