"""Augmentation by shifts: each image is moved by a few pixels, anew whenever it is shown."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from byrote.task.methods import Transform
from byrote.task.task import Task


@dataclass(frozen=True)
class Shift(Transform):
    """Moves grey images `[example, height, width]` by up to so many pixels in each direction, and fills with 0."""

    pixels: float
    name: ClassVar[str] = "shift"

    @property
    def strength(self) -> float:
        """The largest shift in pixels."""
        return self.pixels

    def __str__(self) -> str:
        return f"shift({self.pixels:g})"

    def transform(self, inputs: Any, strength: float, seed: int) -> Tensor:
        """Return the images, each moved by its own draw."""
        most = int(strength)
        count, height, width = inputs.shape
        generator = torch.Generator().manual_seed(seed)
        down, right = torch.randint(0, 2 * most + 1, (2, count), generator=generator).to(inputs.device)
        padded = functional.pad(inputs, (most, most, most, most))
        rows = down[:, None] + torch.arange(height, device=inputs.device)
        columns = right[:, None] + torch.arange(width, device=inputs.device)
        return padded[torch.arange(count, device=inputs.device)[:, None, None], rows[:, :, None], columns[:, None, :]]


def shifted(task: Task, pixels: int) -> Task:
    """Return the task with shifted images."""
    return replace(task, recipe=task.recipe.with_method(Shift(pixels)))
