"""Factory: what controls do with the function that makes a task's model: set its parameters, and change what it returns."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from byrote.errors import InvalidData
from byrote.task.fit import Fit
from byrote.task.task import Task

Factory = Callable[[], nn.Module]


@dataclass(frozen=True)
class Changed:
    """A model factory that changes what another one returns."""

    make: Factory
    change: Callable[[nn.Module], nn.Module]

    def __call__(self) -> nn.Module:
        """Return a fresh model, changed."""
        return self.change(self.make())


def changed(task: Task, change: Callable[[nn.Module], nn.Module]) -> Task:
    """Return the task with a model that is changed when it has been made."""
    return replace(task, model=Changed(factory_of(task), change))


def factory_of(task: Task) -> Factory:
    """Return the task's model factory; raise InvalidData for a task that learns by a Fit."""
    if isinstance(task.model, Fit):
        raise InvalidData(f"The task {task.name!r} learns by a byrote.Fit, which has no torch model to change.")
    return task.model


def parameter(make: Factory, name: str) -> int | float | None:
    """Return the number that a parameter of a factory is set to; None where there is no such parameter, or no number."""
    if isinstance(make, Changed):
        return parameter(make.make, name)
    try:
        found = inspect.signature(make).parameters.get(name)
    except (TypeError, ValueError):  # what is written in C has none
        return None
    value = None if found is None else found.default
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def with_parameter(make: Factory, name: str, value: float) -> Factory:
    """Return the factory with one parameter set."""
    if isinstance(make, Changed):
        return Changed(with_parameter(make.make, name, value), make.change)
    return partial(make, **{name: value})


def resized(task: Task, control: object, name: str, size: Callable[[int | float], int | float]) -> Task:
    """Return the task whose model has another size in this parameter; raise InvalidData where that has no effect.

    `control` is what asks for it, in words.
    """
    make = factory_of(task)
    now = parameter(make, name)
    if now is None:
        raise InvalidData(
            f"{control} sets the parameter {name!r} of the model's factory, and that of {task.name!r} has none. "
            f"Write it with one, like `def model({name}=8): ...`, and give Task(model), without a lambda."
        )
    new = with_parameter(make, name, size(now))
    if _weights(new, control) == _weights(make, control):
        raise InvalidData(
            f"{control} sets {name}={size(now)} in place of {now}, and the model of {task.name!r} has as many weights as "
            "before. Let its factory use this parameter, or give another strength."
        )
    return replace(task, model=new)


def fresh(make: Factory) -> nn.Module:
    """Return a fresh model, and leave the random state of torch as it was."""
    with torch.random.fork_rng(devices=[]):
        return make()


def _weights(make: Factory, control: object) -> int:
    try:
        return sum(weight.numel() for weight in fresh(make).parameters())
    except InvalidData as error:
        raise InvalidData(f"{control}: {error}") from None
