"""In a memory: a wanted list that is stored beside a network which never learned it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray
from torch import Tensor, nn

from byrote.experiments.recalling.answering import Answerer, Data, Deleted, Labels, Part
from byrote.experiments.recalling.in_weights import predicted
from byrote.experiments.recalling.measuring import Trial, share_lost, timed
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
class Beside:
    """A memory beside a network: it answers what it knows, and the network the rest."""

    memory: Memory
    key: Callable[[Tensor], Tensor]
    model: nn.Module

    def __call__(self, inputs: Tensor) -> Labels:
        """Return an answer for each input; the network answers what the memory does not know."""
        return self.answers(self.key(inputs), lambda unknown: predicted(self.model, inputs[unknown]))

    def answers(self, keys: Tensor, otherwise: Callable[[Bool[ndarray, " query"]], Labels]) -> Labels:
        """Return an answer for each key, and what `otherwise` says where it is not known."""
        found = self.memory.look_up(keys)
        answers = np.where(found.known, found.values[:, 0], 0).astype(np.int64)
        if not found.known.all():
            answers[~found.known] = otherwise(~found.known)
        return answers


@dataclass(frozen=True, eq=False)
class Queries:
    """Examples whose keys, and the network's answers, are computed once: only what the memory holds changes."""

    keys: Tensor
    network: Labels
    labels: Labels

    @classmethod
    def of(cls, held: Beside, part: Part) -> "Queries":
        """Return the examples of a part, as queries."""
        return cls(held.key(part.inputs), predicted(held.model, part.inputs), part.labels)

    def right(self, held: Beside) -> Bool[ndarray, " example"]:
        """Return which are answered with their label now."""
        return held.answers(self.keys, lambda unknown: self.network[unknown]) == self.labels


def stored(model: nn.Module, key: Callable[[Tensor], Tensor], data: Data, metric: Metric) -> Answerer:
    """Return what a memory of the list answers beside a network that never learned it, and what changes take."""
    held, other = (Beside(_memory(key, data, metric), key, model) for _ in range(2))  # one that stays, one that changes
    right = predicted(model, data.compared.inputs) == data.compared.labels
    near = held.memory.look_up(key(data.compared.inputs)).nearest.astype(np.float64)
    wanted = Queries.of(held, data.wanted)
    return Answerer(
        held, -near, np.zeros(len(near)), right,
        bytes_each=held.memory.bytes / len(held.memory),
        update=_added(other, data, wanted),
        deletion=_deleted(other, wanted, float(right[: len(data.wanted)].mean())),
    )  # fmt: skip


def _memory(key: Callable[[Tensor], Tensor], data: Data, metric: Metric) -> Memory:
    keys = key(data.wanted.inputs)
    memory = Memory(keys.shape[1], metric=metric)
    memory.add(keys, data.wanted.labels)
    memory.calibrate(key(data.rest.inputs[:IMPOSTORS]), FALSE_ACCEPT)
    return memory


def _added(held: Beside, data: Data, wanted: Queries) -> tuple[Trial, ...]:
    """Add each new example by itself, and see what it changes."""
    tests, new = Queries.of(held, data.tests), held.key(data.new.inputs)
    before, known = tests.right(held), wanted.right(held)
    trials: list[Trial] = []
    for one, label, inputs in zip(new, data.new.labels.tolist(), data.new.inputs, strict=True):
        seconds, _ = timed(partial(held.memory.add, one[None], [label], [NEW]))
        works, cost = int(held(inputs[None])[0]) == label, float(tests.right(held).mean() - before.mean())
        trials.append(Trial(seconds, works, cost, share_lost(known, wanted.right(held))))
        held.memory.delete([NEW])
    return tuple(trials)


def _deleted(held: Beside, wanted: Queries, never: float) -> Deleted:
    """Delete the whole list, and see how much of it is still answered right."""
    ids = held.memory.ids
    seconds, _ = timed(lambda: held.memory.delete(ids[:1]))
    held.memory.delete(ids[1:])
    return Deleted(seconds, float(wanted.right(held).mean()), never)
