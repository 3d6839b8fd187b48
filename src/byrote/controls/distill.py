"""Distillation: a student learns from the soft labels of a teacher (Hinton et al., 2015, arXiv:1503.02531)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from byrote.controls.control import MethodControl, check_classes, check_knob, check_number
from byrote.objectives.classification import logits
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob
from byrote.task.task import Task

TEACHER = "teacher"


@dataclass(frozen=True)
class distill(MethodControl, LossMethod):
    """Trains with (1 - weight) * loss + weight * T^2 * KL(teacher || student), both softened by `temperature` T.

    Weight 0 changes nothing, with 1 no label is seen. The teacher of a run is a model of the same task and recipe, without
    this control, that is trained first on the same members from the same seed; so a run takes twice the time of a plain
    one, and its first epoch most of that. Nothing of the teacher is recorded.

    It is no protection by itself: the teacher has seen the same examples, so what it memorized is in its soft labels, and a
    student that fits these memorizes it too, more slowly and with less confidence (Jagielski et al., 2023,
    arXiv:2303.03446, attack students through their teachers). Look at the wrong labels that the student gives.
    """

    weight: Knob
    temperature: float = 4.0
    name: ClassVar[str] = "distill"
    strengths: ClassVar[tuple[Any, ...]] = (0.5, 0.9, 1.0)

    def __post_init__(self) -> None:
        check_knob(self, "weight", self.weight, 1.0)
        check_number(self, "temperature", self.temperature, least=0.001)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns classes."""
        check_classes(self, task)

    def begin(self, state: dict[str, Any], outputs_without: Callable[[str], Tensor]) -> None:
        """Train the teachers, and keep their logits `[run, example, output]`."""
        state[TEACHER] = outputs_without(self.name)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses, mixed with the distance to the teacher's soft labels."""
        teachers: Tensor = batch.state[TEACHER][batch.runs]
        runs = torch.arange(len(teachers), device=teachers.device).unsqueeze(1)
        taught = teachers[runs, batch.positions].flatten(0, 1)
        student = batch.outputs.flatten(0, 1)
        distance = soft_distance(logits(taught), logits(student), self.temperature).view(losses.shape)
        return (1 - strength) * losses + strength * distance


def soft_distance(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """Return T^2 times the KL divergence of the softened student from the softened teacher, per example, in nats."""
    known, said = (functional.log_softmax(z / temperature, dim=1) for z in (teacher, student))
    return temperature**2 * (known.exp() * (known - said)).sum(1)
