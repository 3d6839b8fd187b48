"""Clip each: the gradient of each example is bounded, without noise (Abadi et al., 2016, arXiv:1607.00133)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from byrote.controls._single import check_no_batch_norm
from byrote.controls.clip import check_norm
from byrote.controls.control import MethodControl
from byrote.task.methods import GradientRule, Gradients
from byrote.task.task import Task


@dataclass(frozen=True)
class clip_each(MethodControl, GradientRule):
    """Trains with the mean over examples of gradients that are scaled to `norm` where they are longer: small is strong.

    Examples that pull hard, wrong labels and rare ones, lose most. Without noise it gives no privacy guarantee, but it shows
    which part of what `dp_sgd` does is clipping: some of its loss of accuracy, and of its protection. The update gets
    smaller with the norm, so part of the effect is a smaller learning rate: compare with `learning_rate` as well. Runs are
    trained one by one; an update costs 2.5 (dense layers) to 4 times a plain one. Refuses batch norm.
    """

    norm: float
    name: ClassVar[str] = "clip_each"
    zero: ClassVar[float | None] = None  # pyright: ignore[reportIncompatibleVariableOverride]
    strengths: ClassVar[tuple[Any, ...]] = (3.0, 1.0, 0.3)
    alone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_norm(self, self.norm)

    def check(self, task: Task) -> None:
        """Raise InvalidData when an example has no gradient of its own."""
        check_no_batch_norm(self, task)

    def apply(self, gradients: Gradients, strength: Sequence[float], seeds: Sequence[int]) -> None:
        """Put the mean of clipped gradients in place of the gradient."""
        for weight, total in zip(gradients.weights, gradients.clipped(strength[0]), strict=True):
            weight.grad = total / gradients.examples
