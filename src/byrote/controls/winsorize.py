"""Winsorize: extreme gradients of single examples are pulled in, weight by weight (Chatterjee, 2020, arXiv:2002.10657)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from byrote.controls._single import check_no_batch_norm
from byrote.controls.control import MethodControl, check_knob
from byrote.errors import InvalidData
from byrote.task.methods import GradientRule, Gradients
from byrote.task.schedule import Knob
from byrote.task.task import Task


@dataclass(frozen=True)
class winsorize(MethodControl, GradientRule):
    """Trains with winsorized means: for each weight, the `share` lowest and highest gradients of a batch take the next value.

    0 changes nothing, 0.5 is the median. Directions that few examples ask for are lost, and with them what is memorized:
    wrong labels, and rare examples as well. `groups` g: of the mean gradients of g parts of the batch, which is weaker;
    `winsorize(0.34, 3)` is the median of three (Zielinski et al., 2020, arXiv:2003.07422). Counts are rounded down: of
    fewer than 1 / share gradients none is changed. It holds the gradients of a whole batch, or of the groups, in memory,
    and sorts them. Measured on a CPU: 3 to 5 times the time of plain training for a small convolutional network, 25 (8 groups)
    to 150 times for a perceptron. Runs are trained one by one. Refuses batch norm.
    """

    share: Knob
    groups: int = 0
    name: ClassVar[str] = "winsorize"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.25)
    alone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "share", self.share, 0.5)
        if isinstance(self.groups, bool) or self.groups < 0 or self.groups in (1, 2):
            raise InvalidData(
                f"{self.name}(groups={self.groups!r}) cannot train. Give 3 or more, or 0 for each example."
            )

    def check(self, task: Task) -> None:
        """Raise InvalidData when an example has no gradient of its own."""
        check_no_batch_norm(self, task)

    def apply(self, gradients: Gradients, strength: Sequence[float], seeds: Sequence[int]) -> None:
        """Put winsorized means in place of the gradient."""
        found = self._groups(gradients) if self.groups else _together(gradients)
        for weight, each in zip(gradients.weights, found, strict=True):
            weight.grad = winsorized_mean(each, strength[0])

    def _groups(self, gradients: Gradients) -> list[Tensor]:
        """Return the mean gradients of consecutive parts of the batch, `[group, ...]` per weight."""
        count = min(self.groups, gradients.examples)
        group = torch.arange(gradients.examples) * count // gradients.examples
        means = [weight.new_zeros(count, *weight.shape) for weight in gradients.weights]
        done = 0
        for part in gradients.per_example():
            own = group[done : done + len(part[0])].to(part[0].device)
            done += len(own)
            for sums, gradient in zip(means, part, strict=True):
                sums.index_add_(0, own, gradient)
        sizes = torch.bincount(group, minlength=count)
        return [sums / sizes.to(sums.device).view(-1, *[1] * (sums.ndim - 1)) for sums in means]


def winsorized_mean(values: Tensor, share: float) -> Tensor:
    """Return the mean over the first axis, with the `share` lowest and highest values set to the next one."""
    count = min(int(share * len(values) + 1e-6), (len(values) - 1) // 2)
    if not count:
        return values.mean(0)
    on_cpu = values.device.type == "cpu"  # where NumPy sorts ten times faster
    ordered = torch.from_numpy(np.sort(values.numpy(), axis=0)) if on_cpu else values.sort(0).values
    return values.clamp(ordered[count], ordered[-1 - count]).mean(0)


def _together(gradients: Gradients) -> list[Tensor]:
    return [torch.cat(parts) for parts in zip(*gradients.per_example(), strict=True)]
