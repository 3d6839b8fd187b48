"""Adapter: a user's model as byrote calls it, with one inputs and one tensor of outputs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from byrote.errors import InvalidData
from byrote.task.fit import Fit
from byrote.task.task import Task


class Adapted(nn.Module):
    """A model that is called with several inputs, or that returns more than its outputs."""

    def __init__(self, model: Callable[[], nn.Module], output: str | int | None) -> None:
        super().__init__()
        self.model, self.output = model(), output

    def forward(self, inputs: Any) -> Tensor:
        """Return the outputs: a dict of inputs are keyword arguments, a tuple positional ones."""
        if isinstance(inputs, dict):
            found = self.model(**inputs)
        else:
            found = self.model(*inputs) if isinstance(inputs, tuple) else self.model(inputs)
        return found if self.output is None else chosen(found, self.output)


def chosen(found: Any, output: str | int) -> Any:
    """Return one part of what a model returned; raise InvalidData when it has no such part."""
    try:
        return getattr(found, output) if isinstance(output, str) and hasattr(found, output) else found[output]
    except (KeyError, IndexError, TypeError):
        names = list(found) if isinstance(found, dict) else type(found).__name__
        raise InvalidData(
            f"The model returned {names}, which has no output {output!r}. Name another in Task(output=)."
        ) from None


def learner(task: Task) -> Callable[[], nn.Module] | Fit:
    """Return what trains: the task's model as byrote calls it, or its Fit."""
    if isinstance(task.model, Fit) or (task.output is None and not isinstance(task.train.inputs, dict | tuple)):
        return task.model
    return partial(Adapted, task.model, task.output)
