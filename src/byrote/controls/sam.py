"""SAM, sharpness-aware minimization: gradients are taken where the loss nearby is high (Foret et al., 2021, arXiv:2010.01412)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from byrote.controls.control import MethodControl, check_knob
from byrote.task.methods import GradientRule, Gradients
from byrote.task.schedule import Knob

TINY = 1e-12


@dataclass(frozen=True)
class sam(MethodControl, GradientRule):
    """Trains with the gradient at w + rho g / |g| instead of that at w, where g is the gradient: 0 changes nothing.

    `rho` is a distance in weight space; the paper takes 0.05. It favours flat minima. With wrong labels the paper finds it
    as good as methods made for them; much of that comes from learning right labels before wrong ones, and so from stopping
    early (Baek et al., 2024, arXiv:2405.03676): at the end of a long training wrong labels are fitted too. Penalties are not
    part of the ascent. Running statistics of batch norm see each batch twice. It takes 2 to 2.5 times the time of plain training.
    """

    rho: Knob
    name: ClassVar[str] = "sam"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.3)

    def __post_init__(self) -> None:
        check_knob(self, "rho", self.rho)

    def apply(self, gradients: Gradients, strength: Sequence[float], seeds: Sequence[int]) -> None:
        """Put the gradients at the ascended weights in place of those at the weights."""
        moved = [(weight, weight.grad) for weight in gradients.weights if weight.grad is not None]
        kept = [weight.detach().clone() for weight, _ in moved]
        runs = gradients.runs or 1
        flat = [gradient.reshape(runs, -1) for _, gradient in moved]
        norms = torch.stack([each.square().sum(1) for each in flat]).sum(0).sqrt()
        step = torch.tensor(list(strength), dtype=norms.dtype, device=norms.device) / (norms + TINY)
        with torch.no_grad():
            for weight, gradient in moved:
                weight += gradient * _shaped(step, weight, gradients.runs)
        gradients.again()
        with torch.no_grad():
            for (weight, _), before in zip(moved, kept, strict=True):
                weight.copy_(before)


def _shaped(step: Tensor, weight: Tensor, runs: int | None) -> Tensor:
    return step[0] if runs is None else step.view(-1, *[1] * (weight.ndim - 1))
