"""Adapter: a user's model as byrote calls it, with one inputs and one tensor of outputs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from torch import Tensor, nn

from byrote.errors import InvalidData, suggestion
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
        hint = suggestion(output, names_of(found)) if isinstance(output, str) else ""
        raise InvalidData(
            f"The model returned {spelled_output(found)}, which has no output {output!r}. {hint or 'Name another in Task(output=).'}"
        ) from None


def spelled_output(found: Any) -> str:
    """Return the type of what a model returned, and what is in it: `dict with 'logits', 'loss'`."""
    kind = type(found).__name__
    if isinstance(found, Tensor):
        return f"a tensor of shape {tuple(found.shape)}"
    if isinstance(found, tuple | list):
        entries = cast("Sequence[Any]", found)
        shapes = [
            f"a tensor {list(each.shape)}" if isinstance(each, Tensor) else type(each).__name__ for each in entries
        ]
        return f"{kind} of {len(entries)}: {', '.join(shapes)}"
    names = names_of(found)
    return f"{kind} with {', '.join(map(repr, names))}" if names else kind


def names_of(found: Any) -> list[str]:
    """Return the names of the parts of what a model returned; none of a tensor and of what has positions."""
    if isinstance(found, Tensor):
        return []
    named: Any = found if isinstance(found, dict) else getattr(found, "__dict__", {})
    return [str(name) for name in named if not str(name).startswith("_")]


def learner(task: Task) -> Callable[[], nn.Module] | Fit:
    """Return what trains: the task's model as byrote calls it, or its Fit."""
    if isinstance(task.model, Fit) or (task.output is None and not isinstance(task.train.inputs, dict | tuple)):
        return task.model
    return partial(Adapted, task.model, task.output)
