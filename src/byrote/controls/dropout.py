"""Dropout: units are switched off at random in training (Srivastava et al., 2014, JMLR 15)."""

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from byrote.controls.control import MethodControl, check_knob
from byrote.controls.factory import Factory, changed, factory_of, fresh
from byrote.controls.modules import DENSE, after_activations, before_last_dense, leaves
from byrote.errors import InvalidData
from byrote.task.fit import Fit
from byrote.task.methods import ModuleKnob
from byrote.task.schedule import Knob
from byrote.task.task import Task

CHANNELS = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
OWN = (nn.Dropout, *CHANNELS, nn.AlphaDropout)
MOST = 0.99
SATURATED = -1.7580993408473766
"""What SELU gives for a very negative input: that is what alpha dropout puts in place of a unit (Klambauer et al., 2017)."""


@dataclass(frozen=True)
class dropout(MethodControl, ModuleKnob):
    """Switches each hidden unit off with probability `rate` in each update: near 1, nothing is learned.

    A model that has dropout modules gets this rate in all of them, in place of its own, and each keeps its kind (units,
    channels, alpha): rate 0 switches them off. Any other model is left as it is by rate 0. Else the rate acts behind each
    activation module that follows a dense layer, in the order in which the model holds them; where there is none, behind
    all of them, but for the activation that a model ends in; and in a model without such modules, before its last dense
    layer. `places` says where. A module that is called several times drops units each time, others. Rates that a model
    gives as plain numbers (to nn.MultiheadAttention, nn.LSTM or functional dropout) stay as they are.

    It lowers memorization of wrong labels more than accuracy in many networks (Arpit et al., 2017, arXiv:1706.05394). A
    rate that is too high can destroy a network, which then memorizes nothing: look at its accuracy.
    """

    rate: Knob
    name: ClassVar[str] = "dropout"
    strengths: ClassVar[tuple[Any, ...]] = (0.2, 0.4, 0.6)

    def __post_init__(self) -> None:
        check_knob(self, "rate", self.rate, MOST)

    def leaves(self, task: Task) -> bool:
        """Return whether it changes nothing of this task: with rate 0, one whose model has no dropout."""
        return self.is_zero and (isinstance(task.model, Fit) or not _own(fresh(task.model)))

    def change(self, task: Task) -> Task:
        """Return the task with a model that drops units; raise InvalidData when there is no place for it."""
        found = super().change(task)
        if not places(factory_of(task)):
            raise InvalidData(
                f"The model of {task.name!r} has no dropout, no module for its activations and no dense layer, so dropout has no place. Put nn.Dropout into it."
            )
        return changed(found, with_dropout)


def places(make: Factory) -> list[str]:
    """Return the names of the modules whose outputs are dropped (of a dense layer: its inputs)."""
    network = fresh(make)
    chosen = {id(module) for module in _chosen(network)}
    return [name for name, module in network.named_modules() if id(module) in chosen]


def with_dropout(network: nn.Module) -> nn.Module:
    """Return the network, which drops units from now on at the rate in the buffers `dropout_knob` of its places, 0 at first.

    Modules stay where they are and keep their names. Each place has a buffer, so that each run of a stack has its own rate.
    """
    for module in _chosen(network):
        module.register_buffer("dropout_knob", torch.zeros(()))
        if isinstance(module, OWN):
            module.p = 0.0
        if isinstance(module, DENSE):
            module.register_forward_pre_hook(_before)
        else:
            module.register_forward_hook(_behind)
    return network


def dropped(x: Tensor, rate: Tensor, module: nn.Module) -> Tensor:
    """Return `[example, ...]` with units at 0 and the others enlarged, so that the mean stays, by the kind of the module.

    Random numbers are drawn in float32: half precision has so few that small rates would be others.
    """
    one_per = x[(..., *[slice(0, 1)] * (x.ndim - 2))] if isinstance(module, CHANNELS) else x
    keep = torch.rand_like(one_per, dtype=torch.float32) >= rate
    if isinstance(module, nn.AlphaDropout):
        scale = ((1 - rate) * (1 + rate * SATURATED**2)).rsqrt()
        return (torch.where(keep, x, SATURATED) * scale - scale * SATURATED * rate).to(x.dtype)
    return x * (keep / (1 - rate)).to(x.dtype)


def _behind(module: nn.Module, given: Any, output: Tensor) -> Tensor | None:
    return dropped(output, cast("Tensor", module.dropout_knob), module) if module.training else None


def _before(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    return (dropped(given[0], cast("Tensor", module.dropout_knob), module), *given[1:]) if module.training else None


def _chosen(network: nn.Module) -> list[nn.Module]:
    return _own(network) or after_activations(network) or before_last_dense(network)


def _own(network: nn.Module) -> list[nn.Module]:
    return [module for _, module in leaves(network) if isinstance(module, OWN)]
