"""Memory-augmented network: it learns to bind a picture to its label within a sequence (Santoro et al. 2016, arXiv:1605.06065).

A sequence presents pictures of a few classes in random order, each with the label of the picture before. Labels are
drawn anew for each sequence, so they can only be learned within it: the first picture of a class can only be guessed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from byrote.errors import InvalidData
from byrote.recall.few_shot.descent import descend
from byrote.recall.few_shot.least_used import least_used, next_usage, read_weights, write_weights, written

SHARPNESS = 10.0
"""Sharpness of reading before training.

With 1.7 and one head the network still only counted labels after 2,000 updates; with 10 and four heads it bound them
after 600.
"""


class MemoryAugmented(nn.Module):
    """A long short-term memory with a memory matrix beside it, to which its heads write and from which they read.

    It reads vectors [sequence, time, width] and labels [sequence, time], and gives logits [sequence, time, way], at each time
    before the label of that time. The memory matrix is empty at the beginning of a sequence, and no weight is changed within it.
    As in the paper each head reads and writes by one key; here it learns how sharply it reads (see `read_weights`).
    """

    def __init__(
        self, width: int, way: int, *, units: int = 200, slots: int = 128, cell: int = 40, heads: int = 4
    ) -> None:
        super().__init__()
        if slots < heads:
            raise InvalidData(f"{heads} heads need at least as many slots, and there are {slots}. Give more slots.")
        self.way, self.units, self.slots, self.cell, self.heads = way, units, slots, cell, heads
        self.controller = nn.LSTMCell(width + way + heads * cell, units)
        self.control = nn.Linear(units, heads * (cell + 2))
        self.out = nn.Linear(units + heads * cell, way)

    def forward(
        self, vectors: Float[Tensor, "sequence time width"], labels: Int[Tensor, "sequence time"]
    ) -> Float[Tensor, "sequence time way"]:
        """Return the logits at each time."""
        many, times, _ = vectors.shape
        before = functional.one_hot(labels, self.way).to(vectors.dtype).roll(1, 1)
        before[:, 0] = 0
        memory = vectors.new_full((many, self.slots, self.cell), 1e-6)
        usage = vectors.new_zeros(many, self.slots)
        read = vectors.new_zeros(many, self.heads, self.slots)
        found = vectors.new_zeros(many, self.heads * self.cell)
        state = (vectors.new_zeros(many, self.units), vectors.new_zeros(many, self.units))
        logits: list[Tensor] = []
        for time in range(times):
            state = self.controller(torch.cat([vectors[:, time], before[:, time], found], 1), state)
            control = self.control(state[0]).unflatten(1, (self.heads, self.cell + 2))
            keys = control[..., : self.cell].tanh()
            gate = control[..., self.cell].sigmoid()
            sharpness = functional.softplus(SHARPNESS + control[..., self.cell + 1])
            least = least_used(usage, self.heads)
            write = write_weights(gate, read, least)
            memory = written(memory, keys, write, least)
            read = read_weights(keys, memory, sharpness)
            usage = next_usage(usage, read, write).detach()
            found = (read @ memory).flatten(1)
            logits.append(self.out(torch.cat([state[0], found], 1)))
        return torch.stack(logits, 1)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Which examples are presented, in which order, and their labels within each sequence."""

    rows: Int[np.ndarray, "sequence time"]
    labels: Int[np.ndarray, "sequence time"]


def draw_sequences(labels: Int[np.ndarray, " example"], way: int, each: int, *, count: int, seed: int) -> Sequences:
    """Return `count` sequences of `way` classes, `each` examples of each class in random order, and random labels.

    Raises InvalidData where fewer than `way` classes have so many examples.
    """
    names, counts = np.unique(labels, return_counts=True)
    able = names[counts >= each]
    if len(able) < way:
        raise InvalidData(f"{len(able)} classes have {each} examples, and {way} are presented. Give fewer of either.")
    rng = np.random.default_rng(seed)
    places = {int(name): np.flatnonzero(labels == name) for name in able}
    rows, given = np.empty((count, way * each), np.int64), np.empty((count, way * each), np.int64)
    for at in range(count):
        chosen = rng.choice(able, way, replace=False)
        order = rng.permutation(way * each)
        rows[at] = np.concatenate([rng.choice(places[int(name)], each, replace=False) for name in chosen])[order]
        given[at] = np.repeat(np.arange(way), each)[order]
    return Sequences(rows, given)


def presentations(labels: Int[np.ndarray, "sequence time"]) -> Int[np.ndarray, "sequence time"]:
    """Return how often the label was presented up to each time, from 1: the first, second ... instance of its class."""
    same = labels[:, :, None] == labels[:, None, :]
    return np.tril(same).sum(2)


def train_on_sequences(
    model: MemoryAugmented,
    vectors: Float[Tensor, "example width"],
    labels: Int[Tensor, " example"],
    *,
    each: int = 10,
    updates: int = 1000,
    batch: int = 32,
    learning_rate: float = 1e-3,
    seed: int,
) -> list[float]:
    """Train on new sequences at each update by Adam; return the loss of each. The model is changed in place.

    Raises InvalidData where the loss is not finite.
    """
    drawn = draw_sequences(labels.numpy(), model.way, each, count=updates * batch, seed=seed)

    def loss(at: int) -> Tensor:
        part = slice(at * batch, (at + 1) * batch)
        target = torch.from_numpy(drawn.labels[part])
        logits = model(vectors[torch.from_numpy(drawn.rows[part])], target)
        return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

    return descend(model.parameters(), loss, updates=updates, learning_rate=learning_rate, clip=10.0)
