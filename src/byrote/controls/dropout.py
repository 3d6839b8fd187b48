"""Dropout: units are switched off at random in training (Srivastava et al., 2014, JMLR 15)."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from byrote.controls.control import MethodControl, check_knob
from byrote.errors import InvalidData
from byrote.task.methods import ModuleKnob
from byrote.task.schedule import Knob
from byrote.task.task import Task

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.Hardswish, nn.Mish, nn.ReLU6)
OWN = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
MOST = 0.99


@dataclass(frozen=True)
class dropout(MethodControl, ModuleKnob):
    """Switches each hidden unit off with probability `rate` in each update: 0 changes nothing, near 1 nothing is learned.

    A model that has dropout gets this rate in all its places. Else it is inserted behind each activation that follows a dense
    layer; where there is none, behind all activations; and in a model without such modules, before its last dense layer:
    `places` says where. A rate that is too high can destroy a network, which then memorizes nothing: look at its accuracy.
    """

    rate: Knob
    name: ClassVar[str] = "dropout"
    strengths: ClassVar[tuple[Any, ...]] = (0.2, 0.4, 0.6)

    def __post_init__(self) -> None:
        check_knob(self, "rate", self.rate, MOST)

    def change(self, task: Task) -> Task:
        """Return the task with a model that drops units; raise InvalidData when there is no place for it."""
        changed = super().change(task)
        make: Any = task.model
        found = places(make)
        if not found:
            raise InvalidData(
                f"The model of {task.name!r} has no dropout, no module for its activations and no dense layer, so dropout has no place. Put nn.Dropout into it."
            )
        return replace(changed, model=partial(with_dropout, make))


class DropoutKnob(nn.Module):
    """Dropout whose rate is a buffer, so that each run of a stack has its own. With rate 0 it changes nothing."""

    dropout_knob: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("dropout_knob", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the input, with units switched off and the others enlarged when training."""
        if not self.training:
            return x
        rate = self.dropout_knob.to(x.dtype)
        return x * (torch.rand_like(x) >= rate) / (1 - rate)


def places(make: Callable[[], nn.Module]) -> list[str]:
    """Return the names of the modules that dropout takes the place of, or comes behind (or before, the last dense layer)."""
    with torch.random.fork_rng(devices=[]):
        network = make()
    return [name for name, _ in _found(network)]


def with_dropout(make: Callable[[], nn.Module]) -> nn.Module:
    """Return a fresh model with `DropoutKnob` in its places; its initial weights are those of the model without."""
    network = make()
    for name, module in _found(network):
        new = (
            DropoutKnob()
            if isinstance(module, OWN)
            else nn.Sequential(DropoutKnob(), module)
            if isinstance(module, nn.Linear)
            else nn.Sequential(copy.copy(module), DropoutKnob())
        )
        network = _put(network, name, new)
    return network


def _found(network: nn.Module) -> list[tuple[str, nn.Module]]:
    modules = [(name, module) for name, module in network.named_modules() if not list(module.children())]
    own = [each for each in modules if isinstance(each[1], OWN)]
    if own:
        return own
    behind = list(_behind_dense(modules)) or [each for each in modules if isinstance(each[1], ACTIVATIONS)]
    dense = [each for each in modules if isinstance(each[1], nn.Linear)]
    return behind or dense[-1:]


def _behind_dense(modules: list[tuple[str, nn.Module]]) -> Iterator[tuple[str, nn.Module]]:
    last = ""
    for name, module in modules:
        if isinstance(module, ACTIVATIONS) and last == "dense":
            yield name, module
        if isinstance(module, nn.Linear):
            last = "dense"
        elif any(True for _ in module.parameters()) and not isinstance(module, nn.LayerNorm | nn.BatchNorm1d):
            last = "other"


def _put(network: nn.Module, name: str, module: nn.Module) -> nn.Module:
    if not name:
        return module
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)
    return network
