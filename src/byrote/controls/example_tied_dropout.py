"""Example-tied dropout: what is memorized goes into units that belong to few examples, and are switched off afterwards.

Maini et al., 2023, arXiv:2307.09542; the same as memorization sinks in language models: Ghosal et al., 2025, arXiv:2507.09937.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from byrote.controls.control import MethodControl, check_knob, check_number
from byrote.controls.factory import Factory, changed, factory_of, fresh
from byrote.controls.modules import DENSE, after_activations, before_last_dense, unit_axis
from byrote.errors import InvalidData
from byrote.task.methods import ModuleKnob, numbers_of
from byrote.task.schedule import Knob
from byrote.task.task import Task

MOST = 0.95
BITS = 0xFFFFFFFF
"""Numbers of examples are below 2**32; products with the factors below stay within 64 bits."""

SPREAD, MIX = 0x9E3779B1, 0x45D9F3B


@dataclass(frozen=True)
class example_tied_dropout(MethodControl, ModuleKnob):
    """Makes a `share` of the hidden units memory units: each example trains only `own` of them, and evaluation uses none.

    Which memory units an example trains follows from its id alone, by a hash: the share `own` of them. The other units are
    trained by all examples. 0 changes nothing; near 1, little is left for what examples have in common. The places are those
    of `dropout` in a model without dropout of its own: units are the features of dense layers and the channels of
    convolutions. In evaluation, and so in all that is recorded, the memory units are off and the others are enlarged to make
    up for them; `remembering` switches the memory units of given examples on again.

    It removes what was learned from single examples, and with it what clean examples were learned by alone: accuracy on the
    training set falls to a little above that on the test set. What it cannot do: it works from the first update on, and not
    on a model that has been trained without it. Wrong labels that many examples share go to the shared units. And the mask
    alone does not give an example back: reading a memory unit needs the trained weights behind it. Examples mixed by mixup
    use the memory units of the first.
    """

    share: Knob
    own: float = 0.1
    name: ClassVar[str] = "example_tied_dropout"
    strengths: ClassVar[tuple[Any, ...]] = (0.3, 0.6, 0.8)

    def __post_init__(self) -> None:
        check_knob(self, "share", self.share, MOST)
        check_number(self, "own", self.own, 0.001, 1.0)

    def change(self, task: Task) -> Task:
        """Return the task with a model that has memory units; raise InvalidData when there is no place for them."""
        found = super().change(task)
        if not _chosen(fresh(factory_of(task))):
            raise InvalidData(
                f"The model of {task.name!r} has no module for its activations and no dense layer, so {self.name} has no place. Use torch.nn.ReLU() modules in it."
            )
        return changed(found, WithMemory(self.own))


@dataclass(frozen=True)
class WithMemory:
    """Gives a network memory units, of which each example trains the share `own`."""

    own: float

    def __call__(self, network: nn.Module) -> nn.Module:
        """Return the network with memory units at its places; its modules stay where they are and keep their names."""
        for place, (module, axis) in enumerate(_chosen(network)):
            module.register_buffer("example_tied_dropout_knob", torch.zeros(()))
            module.register_buffer("which_examples", torch.zeros(0, dtype=torch.long), persistent=False)
            units = _Memory(self.own, place, axis)
            if isinstance(module, DENSE):
                module.register_forward_pre_hook(units.before)
            else:
                module.register_forward_hook(units.behind)
        return network


@dataclass(frozen=True)
class _Memory:
    """The memory units at one place of a network."""

    own: float
    place: int
    axis: int

    def behind(self, module: nn.Module, given: Any, output: Tensor) -> Tensor:
        return self._masked(output, module)

    def before(self, module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (self._masked(given[0], module), *given[1:])

    def _masked(self, x: Tensor, module: nn.Module) -> Tensor:
        """Return the units `[example, ...]` with those at 0 that are off; with share 0, as they are."""
        share, who = cast("Tensor", module.example_tied_dropout_knob), cast("Tensor", module.which_examples)
        count = x.shape[self.axis]
        shared = is_shared(count, share)
        shape = [1] * x.ndim
        shape[self.axis] = count
        if not len(who):
            kept = shared.float().mean()
            return x * (shared * (kept + (1 - kept) * self.own) / kept).to(x.dtype).view(shape)
        if len(who) != len(x):
            raise InvalidData(
                f"example_tied_dropout was told of {len(who)} examples and given {len(x)}. It works with whole batches only: leave "
                "out controls that take the gradients of single examples."
            )
        shape[0] = len(x)
        return x * (shared | owns(who, count, self.own, self.place)).to(x.dtype).view(shape)


def is_shared(units: int, share: Tensor) -> Tensor:
    """Return which of so many units all examples train: the first ones, all but `share`, and at least one."""
    places = (torch.arange(units, device=share.device) + 0.5) / units
    return (places < 1 - share) | (places < 1 / units)


def owns(who: Tensor, units: int, own: float, place: int) -> Tensor:
    """Return `[example, unit]`: whether a unit is the example's own, by a hash of its number, the place and the unit."""
    unit = torch.arange(units, device=who.device) + (place << 20)
    mixed = who.unsqueeze(1) ^ ((unit * SPREAD) & BITS)
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 16)) * MIX) & BITS
    return (mixed ^ (mixed >> 16)) < int(own * (BITS + 1))


@contextmanager
def remembering(model: nn.Module, ids: Sequence[str]) -> Generator[None]:
    """Switch on the memory units of these examples, for batches of exactly these that the model gets while this lasts.

    `ids` are those of the record: `train/17`. Raises InvalidData for a model that has no memory units.
    """
    modules = [module for module in model.modules() if hasattr(module, "which_examples")]
    if not modules:
        raise InvalidData("This model has no memory units. Give one that was trained with example_tied_dropout.")
    before = [cast("Tensor", module.which_examples) for module in modules]
    numbers = torch.from_numpy(numbers_of(np.array(ids, np.str_))).to(before[0].device)
    try:
        for module in modules:
            module.which_examples = numbers
        yield
    finally:
        for module, old in zip(modules, before, strict=True):
            module.which_examples = old


def places(make: Factory) -> list[str]:
    """Return the names of the modules that have memory units (of a dense layer: its inputs)."""
    network = fresh(make)
    chosen = {id(module) for module, _ in _chosen(network)}
    return [name for name, module in network.named_modules() if id(module) in chosen]


def _chosen(network: nn.Module) -> list[tuple[nn.Module, int]]:
    """Return the modules that get memory units, with the axis of their units."""
    behind = [(module, unit_axis(network, module)) for module in after_activations(network)]
    return behind or [(module, -1) for module in before_last_dense(network)]
