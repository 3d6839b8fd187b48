"""Training by episodes: each update is one episode of training classes (Vinyals et al. 2016, section 2.2)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from byrote.recall.episodes import draw_episodes
from byrote.recall.few_shot.descent import descend

Scores = Callable[[Tensor, Tensor], Tensor]
"""From vectors of the support [way, shot, width] and of queries [query, width] to scores [query, way]; high is likely."""


@dataclass(frozen=True)
class EpisodicRecipe:
    """How an encoder is trained: `updates` episodes of `way` classes, `shot` examples and `queries` others of each, by Adam.

    Training with more ways than the test has is better (Snell et al. 2017). The learning rate falls to 0.
    """

    updates: int = 600
    way: int = 30
    shot: int = 1
    queries: int = 3
    learning_rate: float = 2e-3


def train_by_episodes(
    model: nn.Module,
    pictures: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    scores: Scores,
    recipe: EpisodicRecipe,
    *,
    seed: int,
) -> list[float]:
    """Train the encoder so that `scores` are right for episodes of these examples; return the loss of each update.

    The model is changed in place, and is in evaluation mode then. Raises InvalidData where the loss is not finite.
    """
    episodes = draw_episodes(
        labels.numpy(), recipe.way, recipe.shot, queries=recipe.queries, count=recipe.updates, seed=seed
    )
    target = torch.arange(recipe.way).repeat_interleave(recipe.queries)

    def loss(at: int) -> Tensor:
        support, query = episodes.support[at], episodes.query[at]
        rows = torch.from_numpy(support.ravel()), torch.from_numpy(query.ravel())
        few, many = model(pictures[torch.cat(rows)]).split([len(rows[0]), len(rows[1])])
        return nn.functional.cross_entropy(scores(few.unflatten(0, support.shape), many), target)

    model.train()
    losses = descend(model.parameters(), loss, updates=recipe.updates, learning_rate=recipe.learning_rate, falling=True)
    model.eval()
    return losses
