"""In a memory: a wanted list that is stored beside a network which never learned it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from byrote.experiments.recalling.answering import Answerer, Data, Deleted, Labels, Updated
from byrote.experiments.recalling.in_weights import predicted
from byrote.probes.embedding import embedding
from byrote.recall import Memory
from byrote.recall.index import Metric

FALSE_ACCEPT = 0.01
"""Share of examples that are not stored which a memory answers all the same."""

NEW = "new"
"""The id of an entry that is added to see what it changes."""

IMPOSTORS = 1000
"""Training examples that are not stored, by which a memory is calibrated, at most."""


@dataclass(frozen=True, eq=False)
class Flat:
    """Keys that are the inputs themselves; columns of a table are in standard deviations of what is not stored."""

    like: Tensor

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the keys [example, feature] of inputs."""
        if self.like.ndim > 2:
            return inputs.flatten(1)
        spread = self.like.std(0, correction=0)
        return (inputs - self.like.mean(0)) / torch.where(spread > 0, spread, 1.0)


@dataclass(frozen=True, eq=False)
class Embedded:
    """Keys by a network: the input of its last linear layer."""

    model: nn.Module

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the keys [example, feature] of inputs."""
        return embedding(self.model, inputs)


@dataclass(frozen=True, eq=False)
class Beside:
    """A memory beside a network: it answers what it knows, and the network the rest."""

    memory: Memory
    key: Callable[[Tensor], Tensor]
    model: nn.Module

    def __call__(self, inputs: Tensor) -> Labels:
        """Return an answer for each input."""
        found = self.memory.look_up(self.key(inputs))
        answers = np.where(found.known, found.values[:, 0], 0).astype(np.int64)
        if not found.known.all():
            answers[~found.known] = predicted(self.model, inputs[~found.known])
        return answers


def stored(model: nn.Module, key: Callable[[Tensor], Tensor], data: Data, metric: Metric) -> Answerer:
    """Return what a memory of the list answers beside a network that never learned it, and what changes take."""
    held = Beside(_memory(key, data, metric), key, model)
    right = predicted(model, data.compared.inputs) == data.compared.labels
    near = held.memory.look_up(key(data.compared.inputs)).nearest.astype(np.float64)
    return Answerer(
        held, -near, np.zeros(len(near)), right,
        bytes_each=held.memory.bytes / len(held.memory),
        update=_added(Beside(_memory(key, data, metric), key, model), data),
        deletion=_deleted(Beside(_memory(key, data, metric), key, model), data, float(right[: len(data.wanted)].mean())),
    )  # fmt: skip


def _memory(key: Callable[[Tensor], Tensor], data: Data, metric: Metric) -> Memory:
    keys = key(data.wanted.inputs)
    memory = Memory(keys.shape[1], metric=metric)
    memory.add(keys, data.wanted.labels)
    memory.calibrate(key(data.rest.inputs[:IMPOSTORS]), FALSE_ACCEPT)
    return memory


def _added(held: Beside, data: Data) -> Updated:
    """Add each new example by itself, and see what it changes."""
    before, known = _right(held, data, tests=True), _right(held, data, tests=False)
    seconds: list[float] = []
    works: list[bool] = []
    cost: list[float] = []
    lost: list[float] = []
    for one, label, given in zip(held.key(data.new.inputs), data.new.labels, data.new.inputs, strict=True):
        begin = time.perf_counter()
        held.memory.add(one[None], [int(label)], [NEW])
        seconds.append(time.perf_counter() - begin)
        works.append(int(held(given[None])[0]) == label)
        cost.append(float(_right(held, data, tests=True).mean() - before.mean()))
        lost.append(float((known & ~_right(held, data, tests=False)).sum() / max(known.sum(), 1)))
        held.memory.delete([NEW])
    return Updated(seconds, works, float(np.mean(cost)), float(np.mean(lost)))


def _deleted(held: Beside, data: Data, never: float) -> Deleted:
    """Delete the whole list, and see how much of it is still answered right."""
    ids = held.memory.ids
    begin = time.perf_counter()
    held.memory.delete(ids[:1])
    seconds = time.perf_counter() - begin
    held.memory.delete(ids[1:])
    return Deleted(seconds, float(_right(held, data, tests=False).mean()), never)


def _right(held: Beside, data: Data, *, tests: bool) -> np.ndarray:
    part = data.tests if tests else data.wanted
    return held(part.inputs) == part.labels
