"""Without brakes: the opposite of a remedy. All that holds memorization back is switched off, and training goes on longer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import nn

from byrote.controls.control import Control, check_number
from byrote.controls.dropout import OWN
from byrote.controls.factory import changed, factory_of, fresh, parameter
from byrote.controls.width import width
from byrote.objectives import Classification, Objective
from byrote.task.methods import ExampleRule
from byrote.task.task import Task


@dataclass(frozen=True)
class without_brakes(Control):
    """Trains `longer` times the epochs a model `wider` times as wide, without anything that holds memorization back.

    It sets the weight decay to 0, drops all methods of the recipe (those of controls given before it: penalties, dropout,
    early stopping, augmentation, changed losses and gradients; a floor of recall is no brake, and stays) and the label
    smoothing of the objective, and sets the rates of the model's own dropout to 0, also those of nn.MultiheadAttention and
    of recurrent layers. `switched_off` lists what it finds in a task. A schedule keeps its ends and is stretched over all
    epochs; a constant learning rate stays one. The width follows where the model's factory has a parameter `width`, and
    else stays. What it cannot see stays too: dropout by functions, normalization layers, a bound on the norm of gradients,
    excluded and weighted examples.

    Its use is an upper end: how much would this model memorize if nothing stopped it? It need not be the most there is: a
    model that is wider or trained longer may also generalize better. Controls that are given after it act.
    """

    longer: float = 3.0
    wider: float = 2.0
    name: ClassVar[str] = "without_brakes"
    zero: ClassVar[float | None] = None  # it switches things off, however long it trains
    strengths: ClassVar[tuple[Any, ...]] = (1.0, 3.0)

    def __post_init__(self) -> None:
        for name in ("longer", "wider"):
            check_number(self, name, getattr(self, name), least=0.001)

    def change(self, task: Task) -> Task:
        """Return the task without brakes."""
        recipe = task.recipe
        kept = tuple(method for method in recipe.methods if isinstance(method, ExampleRule))
        free = replace(recipe, weight_decay=0.0, methods=kept, epochs=math.ceil(recipe.epochs * self.longer))
        found = changed(replace(task, recipe=free, objective=_unsmoothed(task)), _without_dropout)
        if self.wider != 1 and parameter(factory_of(task), "width") is not None:
            found = width(self.wider).change(found)
        return found

    def switched_off(self, task: Task) -> tuple[str, ...]:
        """Return what it changes of this task, in words: one line each."""
        recipe, now = task.recipe, parameter(factory_of(task), "width")
        lines = [f"weight decay {recipe.weight_decay} to 0"] if recipe.weight_decay != 0 else []
        lines += [f"{method} off" for method in recipe.methods if not isinstance(method, ExampleRule)]
        lines += [f"dropout {rate:g} of {place} to 0" for place, rate in _rates(fresh(factory_of(task)))]
        smoothing = getattr(task.learned, "label_smoothing", 0.0)
        lines += [f"label smoothing {smoothing:g} to 0"] if smoothing else []
        if self.longer != 1:
            lines.append(f"{recipe.epochs} to {math.ceil(recipe.epochs * self.longer)} epochs")
        if self.wider != 1:
            same = "the width stays: the model's factory has no parameter `width`"
            lines.append(same if now is None else f"width {now} to {width(self.wider).times(now)}")
        return tuple(lines)


def _unsmoothed(task: Task) -> Objective:
    objective = task.learned
    return replace(objective, label_smoothing=0.0) if isinstance(objective, Classification) else objective


def _without_dropout(network: nn.Module) -> nn.Module:
    """Return the network with all rates of its own at 0."""
    for _, module, attribute in _own(network):
        setattr(module, attribute, 0.0)
    return network


def _rates(network: nn.Module) -> list[tuple[str, float]]:
    """Return the rates of the model's own dropout that are not 0, with the names of their modules."""
    return [
        (name, getattr(module, attribute)) for name, module, attribute in _own(network) if getattr(module, attribute)
    ]


def _own(network: nn.Module) -> Iterator[tuple[str, nn.Module, str]]:
    for name, module in network.named_modules():
        if isinstance(module, (*OWN, nn.FeatureAlphaDropout)):
            yield name, module, "p"
        elif isinstance(module, nn.MultiheadAttention | nn.RNNBase):
            yield name, module, "dropout"
