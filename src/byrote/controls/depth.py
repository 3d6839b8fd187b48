"""Depth: a model with more, or fewer, layers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from byrote.controls.control import Control
from byrote.controls.factory import resized
from byrote.errors import InvalidData
from byrote.task.task import Task


@dataclass(frozen=True)
class depth(Control):
    """Adds `layers` to the parameter `depth` of the model's factory: 0 changes nothing, -1 is a layer fewer.

    In the built-in models, depth is the number of hidden dense layers, 1 if not set. A factory of the user's own needs the
    parameter: `def model(depth=4): ...`. What depth does to memorization differs from task to task, and a plain deep network
    may train worse for other reasons: look at the accuracy too.
    """

    layers: int
    name: ClassVar[str] = "depth"
    zero: ClassVar[float | None] = 0
    strengths: ClassVar[tuple[Any, ...]] = (1, 2, 4)

    def __post_init__(self) -> None:
        _check_whole(self.layers)

    def change(self, task: Task) -> Task:
        """Return the task with a model of this depth; raise InvalidData when its factory has no such parameter."""
        return resized(task, self, "depth", lambda now: now + self.layers)


def _check_whole(layers: object) -> None:
    if not isinstance(layers, int) or isinstance(layers, bool):
        raise InvalidData(f"depth(layers={layers!r}) cannot be built. Give a whole number of layers to add.")
