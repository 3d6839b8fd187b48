"""Key-value memory trained with a network: learning to remember rare events (Kaiser et al. 2017, arXiv:1703.03129).

The network makes a query of an example. The memory answers with the value of the nearest key. It is written by a rule, without
gradients, so a class is added after training by writing one example.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from byrote.errors import InvalidData
from byrote.recall.episodes import draw_episodes
from byrote.recall.few_shot.descent import descend
from byrote.recall.few_shot.training import EpisodicRecipe
from byrote.recall.memory import Memory

EMPTY = -1


class KeyValueMemory:
    """`size` slots, each with a key of length 1, a value (a label from 0; -1 is empty) and an age (writes since its last use).

    A query reads the value of the key with the largest cosine. `neighbours` (k) keys are looked at for the loss.
    """

    def __init__(self, size: int, width: int, *, neighbours: int = 64, seed: int = 0) -> None:
        if size < 1 or width < 1 or neighbours < 1:
            raise InvalidData(f"A memory of {size} slots of width {width} holds nothing. Give 1 or more of each.")
        self.keys = torch.zeros(size, width)
        self.values = torch.full((size,), EMPTY)
        self.ages = torch.zeros(size)
        self.neighbours = neighbours
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return int((self.values != EMPTY).sum())

    def clear(self) -> None:
        """Forget all."""
        self.keys.zero_()
        self.values.fill_(EMPTY)
        self.ages.zero_()

    def read(self, queries: Float[Tensor, "query width"]) -> tuple[Int[Tensor, " query"], Float[Tensor, " query"]]:
        """Return the value of the nearest key of each query, and its cosine; -1 and NaN where the memory is empty."""
        if not len(self):
            return torch.full((len(queries),), EMPTY), torch.full((len(queries),), float("nan"))
        cosine, slot = self._cosines(queries).max(1)
        return self.values[slot], cosine

    def loss(
        self, queries: Float[Tensor, "query width"], values: Int[Tensor, " query"], *, margin: float = 0.1
    ) -> Float[Tensor, ""]:
        """Mean of max(0, q . wrong - q . right + margin) (section 2): low is good, 0 when the right key leads by the margin.

        `right` is the nearest key with the value of the query, and `wrong` the nearest with another among the k nearest keys.
        A query whose value is not stored, or that has no wrong key among the k, counts 0.
        """
        if not len(self):
            return queries.sum() * 0
        cosine = self._cosines(queries)
        same = self.values == values[:, None]
        right = cosine.masked_fill(~same, -torch.inf).amax(1)
        near = min(self.neighbours, len(self))
        top, slots = cosine.topk(near, 1)
        wrong = top.masked_fill(self.values[slots] == values[:, None], -torch.inf).amax(1)
        there = right.isfinite() & wrong.isfinite()
        gap = torch.where(there, wrong, 0) - torch.where(there, right, 0) + margin
        return (gap.clamp(min=0) * there).mean()

    @torch.no_grad()
    def write(self, queries: Float[Tensor, "query width"], values: Int[Tensor, " query"]) -> None:
        """Store examples, one after the other (section 2, "Memory update").

        Where the nearest key has the right value, that key becomes the normalized mean of itself and the query. Otherwise
        the query and its value take the oldest slot, ties broken at random. That slot's age is 0 then, and all others are
        1 older. Raises InvalidData for a value below 0.
        """
        if len(values) and int(values.min()) < 0:
            raise InvalidData(
                f"A memory stores labels from 0, and one is {int(values.min())}. Give whole numbers from 0."
            )
        self.keys = self.keys.clone()  # a loss that was read before still needs the old ones
        for query, value in zip(functional.normalize(queries, dim=1), values, strict=True):
            slot = int(self._cosines(query[None]).argmax()) if len(self) else 0
            if len(self) and self.values[slot] == value:
                self.keys[slot] = functional.normalize(self.keys[slot] + query, dim=0)
            else:
                slot = self._oldest()
                self.keys[slot], self.values[slot] = query, value
            self.ages += 1
            self.ages[slot] = 0

    def to_memory(self) -> Memory:
        """Return what is stored as a Memory, with provenance, deletion and a threshold: ids are `slot 0` ..."""
        slots = torch.nonzero(self.values != EMPTY).flatten()
        memory = Memory(self.keys.shape[1])
        memory.add(self.keys[slots].numpy(), self.values[slots].numpy(), [f"slot {int(slot)}" for slot in slots])
        return memory

    def _cosines(self, queries: Tensor) -> Tensor:
        """Return the cosine of each query with each slot; -inf where a slot is empty."""
        found = functional.normalize(queries, dim=1) @ self.keys.T
        return found.masked_fill(self.values == EMPTY, -torch.inf)

    def _oldest(self) -> int:
        empty = torch.nonzero(self.values == EMPTY).flatten()
        if len(empty):
            return int(empty[0])
        return int((self.ages + torch.rand(len(self.ages), generator=self._generator)).argmax())


def train_with_memory(
    model: nn.Module,
    pictures: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    recipe: EpisodicRecipe,
    *,
    margin: float = 0.1,
    seed: int,
) -> list[float]:
    """Train the encoder so that the memory reads right values; return the loss of each update.

    An episode presents its classes in rounds, one example of each. Each round is first read, which gives the loss, and then
    written. The memory is empty when an episode begins. Gradients go to queries only, as in the paper. The model is changed
    in place, and is in evaluation mode then. Raises InvalidData where the loss is not finite.
    """
    rounds = recipe.shot + recipe.queries
    episodes = draw_episodes(
        labels.numpy(), recipe.way, recipe.shot, queries=recipe.queries, count=recipe.updates, seed=seed
    )
    values = torch.arange(recipe.way)

    def loss(at: int) -> Tensor:
        rows = torch.from_numpy(np.concatenate([episodes.support[at], episodes.query[at]], 1))
        vectors = model(pictures[rows.flatten()]).unflatten(0, rows.shape)
        memory = KeyValueMemory(recipe.way * rounds, vectors.shape[-1], seed=seed)
        total = vectors.sum() * 0
        for each in range(rounds):
            if each:
                total = total + memory.loss(vectors[:, each], values, margin=margin)
            memory.write(vectors[:, each].detach(), values)
        return total / max(rounds - 1, 1)

    model.train()
    losses = descend(model.parameters(), loss, updates=recipe.updates, learning_rate=recipe.learning_rate, falling=True)
    model.eval()
    return losses


def memory_scores(
    support: Float[Tensor, "way shot width"], queries: Float[Tensor, "query width"]
) -> Float[Tensor, "query way"]:
    """Cosine of a query with the nearest key of each class, after the support was written into an empty memory in rounds."""
    way, shot, width = support.shape
    memory = KeyValueMemory(way * shot, width)
    for each in range(shot):
        memory.write(support[:, each], torch.arange(way))
    cosine = functional.normalize(queries, dim=1) @ memory.keys.T
    same = memory.values == torch.arange(way)[:, None]
    return cosine[:, None].expand(-1, way, -1).masked_fill(~same, -torch.inf).amax(-1)
