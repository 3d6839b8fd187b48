"""Needs: how much memory the training of one model takes, measured on a few examples of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from byrote.objectives import Classification, Objective
from byrote.record import Population
from byrote.record.inputs import parts
from byrote.task.recipe import Recipe
from byrote.training.pack import EVALUATION_BATCH, FEW_OUTPUTS, examples_at_once
from byrote.training.tensors import to_tensors
from byrote.training.user_model import check_rows, model_at_work

PROCESS = {"cpu": 330_000_000, "cuda": 700_000_000}
"""Bytes of a process that has trained one tiny model: torch and its libraries, with what the trial of matrix products loads
(16 to 23 MB of it); on a GPU, the context and its work space."""

COPIES = 3
"""Of the weights, besides the optimizer's: themselves, their gradient, and one on the way between layouts or stacks."""

BACKWARD = 1.5
"""Peak of an update over what its forward pass keeps: gradients of activations, work space."""

ROW = 100
"""Bytes per example of what is observed in an epoch, until it is written: twelve columns, where they belong, and copies."""

FEW = (2, 4)

STATES = {"adagrad": 1, "rprop": 2, "asgd": 1, "rmsprop": 1, "muon": 1}
"""Copies of the weights that an optimizer keeps; two where it is not listed, one for SGD with momentum."""


@dataclass(frozen=True)
class Needs:
    """What training takes: `process` bytes whatever the pack, and `model` bytes for each model of it.

    `weights` are the trained numbers of a model, `activations` the bytes that the forward pass of one batch keeps, and
    `attention` says whether there is fused attention among its operations.
    """

    process: int
    model: int
    weights: int
    activations: int
    attention: bool

    def bytes(self, pack: int) -> int:
        """Return what a process needs that trains this many models at once."""
        return self.process + pack * self.model


def needs(
    model: Callable[[], nn.Module],
    population: Population,
    recipe: Recipe,
    device: str,
    objective: Objective = Classification(),
) -> Needs:
    """Measure the model's forward pass on a few examples, and extrapolate to the recipe's batch."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = model().train()
        small, large = (_forward(network, population, objective, count) for count in FEW)
    batch = min(recipe.batch_size, len(population))
    activations = small.kept + max(0, batch - FEW[0]) * max(0, large.kept - small.kept) // (FEW[1] - FEW[0])
    states = STATES.get(
        recipe.spelled_optimizer[0], 2 if recipe.spelled_optimizer[0] != "sgd" else int(recipe.momentum > 0)
    )
    held = sum(tensor.nbytes for tensor in [*network.parameters(), *network.buffers()])
    kind = "cuda" if device.startswith("cuda") else "cpu"
    given = parts(population.inputs).values()
    data = sum((8 if part.dtype.kind in "iu" and part.dtype != np.uint8 else 4) * part.size for part in given)
    if kind == "cpu":
        data += sum(np.asarray(column).nbytes for column in (*given, population.ids, population.labels))
    many = large.outputs > FEW_OUTPUTS  # reduced to columns after each update
    observed = len(population) * ((0 if many else 4 * large.outputs) + (ROW if kind == "cpu" else 0))
    at_once = EVALUATION_BATCH
    if many:
        at_once = examples_at_once(objective, to_tensors(population, objective, "cpu", slice(0, 1))[1], batch, 1)
    evaluation = 3 * at_once * large.largest // FEW[1]
    return Needs(
        process=PROCESS[kind] + data + evaluation,
        model=int((COPIES + states) * held + BACKWARD * activations) + observed,
        weights=sum(weight.numel() for weight in network.parameters()),
        activations=activations,
        attention=large.attention,
    )


@dataclass(frozen=True)
class _Forward:
    """What a forward pass keeps for the backward pass, the largest part of it, and what it gives."""

    kept: int
    largest: int
    outputs: int
    attention: bool


def _forward(network: nn.Module, population: Population, objective: Objective, count: int) -> _Forward:
    inputs, targets = to_tensors(population, objective, "cpu", np.arange(count) % len(population))
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor), model_at_work("in training mode", count):
        outputs = network(inputs)
        check_rows(outputs, targets)
        loss = objective.losses(outputs.float(), targets).mean()
    sizes = [size for place, size in kept.items() if place not in weights]
    attention = any("ScaledDotProduct" in name for name in _operations(loss.grad_fn))
    return _Forward(sum(sizes), max(sizes, default=0), outputs[0].numel(), attention)


def _operations(last: Any) -> set[str]:
    """Return the names of all that the backward pass from this node goes through."""
    found: set[Any] = set()
    waiting = [last]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting += [before for before, _ in node.next_functions]
    return {node.name() for node in found}
