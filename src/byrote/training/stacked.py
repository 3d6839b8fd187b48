"""Several networks as one: their weights and buffers side by side along a new first axis, so that one kernel serves them all."""

import copy
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import convert_conv2d_weight_memory_format

from byrote.objectives import Objective
from byrote.record.inputs import each
from byrote.training.tensors import copied, device_of

TOLERANCE = 0.01
"""Largest relative difference between the outputs of a network in a stack and alone that still counts as rounding."""

WHO = "which_examples"
"""The buffer of a module that wants to know which examples it is given: a number for each, from the example's id."""


class Alone:
    """One network, in the shape of a pack of one: the plain module, with nothing added to an update."""

    runs: int | None = None
    """How many runs the weights are stacks of: none, they are those of one."""

    def __init__(self, network: nn.Module) -> None:
        convert_conv2d_weight_memory_format(network, torch.channels_last)  # convolutions follow their weights
        self.network = network

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return [weight for weight in self.network.parameters() if weight.requires_grad]

    def by_run(self) -> list[Tensor]:
        """Return the trained weights as `[run, ...]`."""
        return [weight[None] for weight in self.parameters]

    def set_knob(self, name: str, values: Sequence[float]) -> None:
        """Set the buffers of the model that are called `NAME_knob`."""
        for buffer in _knobs(dict(self.network.named_buffers()), name):
            buffer.fill_(values[0])

    def state(self, runs: NDArray[np.int64]) -> None:
        """Return the state of these runs; a run alone that has stopped is not trained at all."""

    def put_back(self, kept: Any) -> None:
        """Set these runs back to the state that was kept."""

    def mode(self, training: bool) -> None:
        """Switch between training and evaluation."""
        self.network.train(training)

    @property
    def asks_who(self) -> bool:
        """Whether modules of the model want to know which examples they are given."""
        return bool(_examples(dict(self.network.named_buffers())))

    def __call__(self, inputs: Any, runs: slice, who: Tensor | None = None) -> Tensor:
        """Return `[run, example, ...]` from inputs `[run, example, ...]`, where `runs` is all there is.

        `who` `[run, example]` says which examples these are; it is put into the buffers of the model that are called
        `which_examples`, for as long as this takes.
        """
        own = each(lambda part: part[0], inputs)
        if who is None:
            return self.network(own)[None]
        given = dict.fromkeys(_examples(dict(self.network.named_buffers())), who[0])
        return functional_call(self.network, given, (own,), tie_weights=False)[None]

    def join(self) -> None:
        """Put the gradients of the parts together; there is one part."""

    def ask(self, inputs: Any) -> Tensor:
        """Return `[run, example, ...]` from inputs `[example, ...]`."""
        return self.network(inputs)[None]

    def one(self, run: int) -> nn.Module:
        """Return the network of one run."""
        return self.network

    def norms(self) -> list[float]:
        """Return the Euclidean norm of each run's trained weights."""
        return _norms([weight.detach()[None] for weight in self.parameters])


class Stacked:
    """Networks of one shape. Each has its own weights, buffers, batches and random draws; nothing is shared but the kernels."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.skeleton, self.runs = networks[0], len(networks)
        self.weights = _side_by_side([dict(network.named_parameters()) for network in networks])
        self.buffers = _side_by_side([dict(network.named_buffers()) for network in networks])
        self._names = _all_names(self.skeleton)
        self._parts: list[dict[str, Tensor]] = []
        self._each = torch.vmap(self._one, in_dims=(0, 0, 0), randomness="different")
        self._all = torch.vmap(self._one, in_dims=(0, 0, None), randomness="different")

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return [weight for weight in self.weights.values() if weight.requires_grad]

    def by_run(self) -> list[Tensor]:
        """Return the trained weights as `[run, ...]`."""
        return self.parameters

    def set_knob(self, name: str, values: Sequence[float]) -> None:
        """Set the buffers of the model that are called `NAME_knob`, one value per run."""
        for buffer in _knobs(self.buffers, name):
            buffer.copy_(torch.tensor(values, dtype=buffer.dtype).view(-1, *[1] * (buffer.ndim - 1)).expand_as(buffer))

    def state(self, runs: NDArray[np.int64]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weights and buffers of these runs, as copies."""
        which = torch.from_numpy(runs).to(next(iter(self.weights.values())).device)
        return which, {name: each.detach()[which] for name, each in {**self.weights, **self.buffers}.items()}

    def put_back(self, kept: tuple[Tensor, dict[str, Tensor]] | None) -> None:
        """Set these runs back to the state that was kept."""
        if kept is not None:
            which, state = kept
            with torch.no_grad():
                for name, each in {**self.weights, **self.buffers}.items():
                    each[which] = state[name]

    def mode(self, training: bool) -> None:
        """Switch between training and evaluation."""
        self.skeleton.train(training)

    @property
    def asks_who(self) -> bool:
        """Whether modules of the model want to know which examples they are given."""
        return bool(_examples(self.buffers))

    def __call__(self, inputs: Any, runs: slice, who: Tensor | None = None) -> Tensor:
        """Return `[run, example, ...]` from inputs `[run, example, ...]`, for consecutive runs of the stack.

        Buffers are cut as views, so that what happens to them in place happens to the stack; see `join` for the weights.
        `who` `[run, example]` is what the buffers called `which_examples` are for as long as this takes.
        """
        weights, buffers = self.weights, self.buffers
        if runs.stop - runs.start < self.runs:
            weights = {
                name: weight[runs].detach().requires_grad_(weight.requires_grad) for name, weight in weights.items()
            }
            buffers = {name: buffer[runs] for name, buffer in buffers.items()}
            self._parts.append(weights)
        if who is not None:
            buffers = {**buffers, **dict.fromkeys(_examples(buffers), who)}
        return self._each(weights, buffers, inputs)

    def join(self) -> None:
        """Put the gradients of the parts, which were called in order and cover the stack, together as those of the stack."""
        for name, weight in self.weights.items():
            gradients = [part[name].grad for part in self._parts]
            present = [gradient for gradient in gradients if gradient is not None]
            if present:
                joined = torch.cat(present)
                weight.grad = joined if weight.grad is None else weight.grad + joined
        self._parts.clear()

    def ask(self, inputs: Any) -> Tensor:
        """Return `[run, example, ...]` from inputs `[example, ...]`: all runs get the same examples."""
        return self._all(self.weights, self.buffers, inputs)

    def one(self, run: int) -> nn.Module:
        """Return the network of one run, as a copy."""
        network = copy.deepcopy(self.skeleton)
        own = {name: stack[run].detach() for name, stack in {**self.weights, **self.buffers}.items()}
        network.load_state_dict(own, strict=False)
        return network

    def norms(self) -> list[float]:
        """Return the Euclidean norm of each run's trained weights."""
        return _norms([weight.detach() for weight in self.parameters])

    def _one(self, weights: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Any) -> Tensor:
        own = {**weights, **buffers}
        given = {name: tensor for first, tensor in own.items() for name in self._names[first]}
        return functional_call(
            self.skeleton, given, (inputs,), tie_weights=False
        )  # torch would leave some in the skeleton


def together(networks: Sequence[nn.Module]) -> Alone | Stacked:
    """Return the networks as one."""
    return Alone(networks[0]) if len(networks) == 1 else Stacked(networks)


def fresh(model: Callable[[], nn.Module], seed: int, device: torch.device) -> nn.Module:
    """Return the model with the initial weights of this seed, which goes on in the random state."""
    torch.manual_seed(seed)
    return model().to(device)


def casting(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context of a training pass. In a stack, "bf16" reaches the matrix products, not all that it reaches alone."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def obstacle(
    model: Callable[[], nn.Module], inputs: Any, targets: Tensor, objective: Objective, precision: str = "fp32"
) -> str:
    """Return why networks of this model cannot be stacked, tried out on a few examples; nothing when they can."""
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.filterwarnings("error", message=".*performance drop.*")  # an operation that would be looped over
            return _says_otherwise(model, inputs) or _learns_otherwise(model, inputs, targets, objective, precision)
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}, {str(error).splitlines()[0] if str(error) else 'without a message'}"


def _says_otherwise(model: Callable[[], nn.Module], inputs: Any) -> str:
    networks = [fresh(model, seed, device_of(inputs)) for seed in (0, 1)]
    with torch.no_grad():
        expected = torch.stack([network.eval()(copied(inputs)) for network in networks])
        difference = Stacked(networks).ask(copied(inputs)) - expected
    return "stacked, it gives other outputs" if difference.norm() > TOLERANCE * expected.norm() else ""


def _learns_otherwise(
    model: Callable[[], nn.Module], inputs: Any, targets: Tensor, objective: Objective, precision: str
) -> str:
    """Return what an update changes in a network alone, but not in each network of a stack."""
    alone, *networks = [fresh(model, seed, device_of(inputs)).train() for seed in (0, 0, 0)]
    stack, numbers = Stacked(networks), _numbers(alone)
    before = {name: buffer.clone() for name, buffer in stack.buffers.items()}
    with casting(device_of(inputs), precision):
        alone(copied(inputs))
        outputs = stack(each(lambda part: torch.stack([part, part]), inputs), slice(0, 2))
    objective.losses(outputs.flatten(0, 1).float(), torch.cat([targets, targets])).mean().backward()
    changed = [name for name, number in _numbers(alone).items() if number != numbers.get(name)]
    for name, buffer in alone.named_buffers():
        if torch.equal(buffer, before[name][0]) != torch.equal(stack.buffers[name], before[name]):
            changed.append(name)
    return f"it keeps {changed[0]!r} where a stack cannot" if changed else ""


def _numbers(network: nn.Module) -> dict[str, float]:
    """Return the plain numbers that the modules keep, as a counter of batches would be."""
    return {
        f"{name}.{key}": value
        for name, module in network.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, int | float)
    }


def _all_names(network: nn.Module) -> dict[str, list[str]]:
    """Return all names of each weight and buffer by the first: several where modules share it, one in a shared module."""
    names: dict[int, list[str]] = {}
    for place, module in network.named_modules():
        for key, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            names.setdefault(id(tensor), []).append(f"{place}.{key}" if place else key)
    return {each[0]: each for each in names.values()}


def _knobs(buffers: dict[str, Tensor], name: str) -> list[Tensor]:
    return [buffer for own, buffer in buffers.items() if own.rsplit(".", 1)[-1] == f"{name}_knob"]


def _examples(buffers: dict[str, Tensor]) -> list[str]:
    return [name for name in buffers if name.rsplit(".", 1)[-1] == WHO]


def _norms(weights: Sequence[Tensor]) -> list[float]:
    """Return a norm for each entry of the first axis."""
    squares = [torch.linalg.vector_norm(weight.flatten(1).float(), dim=1).double() ** 2 for weight in weights]
    return torch.stack(squares).sum(0).sqrt().tolist() if squares else []


def _side_by_side(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {
        name: torch.stack([state[name].detach() for state in states]).requires_grad_(first.requires_grad)
        for name, first in states[0].items()
    }
