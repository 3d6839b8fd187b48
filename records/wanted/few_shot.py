"""Few-shot learning of characters of alphabets that were not trained on: all learners on the same episodes.

python -m records.wanted.few_shot
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from byrote.recall.episodes import Episodes, accuracy_over_episodes, draw_episodes
from byrote.recall.few_shot.encoder import embed, encoder
from byrote.recall.few_shot.fine_tuning import fine_tuned_scores, train_classifier
from byrote.recall.few_shot.matching import matching_scores
from byrote.recall.few_shot.nearest import nearest_scores
from byrote.recall.few_shot.prototypes import prototype_scores
from byrote.recall.few_shot.rare_events import memory_scores, train_with_memory
from byrote.recall.few_shot.training import EpisodicRecipe, train_by_episodes
from byrote.task.datasets.glyphs import glyphs
from byrote.task.examples import Examples

SEED, UPDATES, EPOCHS, MARGIN = 0, 400, 5, 0.5
COLUMNS = ((5, 1), (5, 5), (20, 1))
EPISODES, FEW = 300, 40
Episode = Callable[[Tensor, Tensor], Tensor]
"""From pictures or vectors of a support [way, shot, ...] and of queries to scores [query, way]."""


def tensors(examples: Examples) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(examples.inputs).float() / 255, torch.from_numpy(examples.labels)


def right(found: Tensor, scores: Episode, episodes: Episodes) -> np.ndarray:
    """Share of right answers in each episode."""
    shares: list[float] = []
    for support, query in zip(episodes.support, episodes.query, strict=True):
        answers = scores(found[support], found[query.ravel()]).argmax(1).reshape(query.shape)
        shares.append(float((answers == torch.arange(len(query))[:, None]).double().mean()))
    return np.array(shares)


def row(name: str, found: Tensor, scores: Episode, labels: np.ndarray, count: int, minutes: float) -> None:
    cells: list[str] = []
    start = time.time()
    for way, shot in COLUMNS:
        episodes = draw_episodes(labels, way, shot, count=count, seed=SEED)
        estimate = accuracy_over_episodes(right(found, scores, episodes), episodes.classes).within(0, 1)
        cells.append(f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]")
    each = 1000 * (time.time() - start) / count / len(COLUMNS)
    print(f"| {name} | {' | '.join(cells)} | {minutes:.1f} | {each:.0f} |", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    begin = time.time()
    background, evaluation = glyphs()
    (pictures, labels), (new, own) = tensors(background), tensors(evaluation)
    print(
        f"torch {torch.__version__}, seed {SEED}; trained on {len(torch.unique(labels))} characters, tested on {len(torch.unique(own))} of other alphabets; {EPISODES} episodes with 5 queries of each class ({FEW} where all layers are tuned); 90 % intervals about new characters, for one training"
    )
    print(
        "| learner | "
        + " | ".join(f"{way}-way {shot}-shot" for way, shot in COLUMNS)
        + " | minutes of training | milliseconds an episode |"
    )
    print("|---|---|---|---|---|---|")
    test = evaluation.labels
    row("nearest neighbour, pixels", new.flatten(1), nearest_scores, test, EPISODES, 0)
    for name, scores in (("prototypical network", prototype_scores), ("matching network", matching_scores)):
        torch.manual_seed(SEED)
        model, start = encoder(), time.time()
        train_by_episodes(model, pictures, labels, scores, EpisodicRecipe(updates=UPDATES), seed=SEED)
        minutes = (time.time() - start) / 60
        row(name, embed(model, new), scores, test, EPISODES, minutes)
    torch.manual_seed(SEED)
    model, start = encoder(), time.time()
    train_with_memory(model, pictures, labels, EpisodicRecipe(updates=UPDATES), margin=MARGIN, seed=SEED)
    minutes = (time.time() - start) / 60
    row("key-value memory, trained with the network", embed(model, new), memory_scores, test, EPISODES, minutes)
    torch.manual_seed(SEED)
    model, start = encoder(), time.time()
    train_classifier(model, pictures, labels, epochs=EPOCHS, seed=SEED)
    minutes = (time.time() - start) / 60
    vectors = embed(model, new)
    row("classifier, nearest neighbour of its vectors", vectors, nearest_scores, test, EPISODES, minutes)
    head = partial(fine_tuned_scores, torch.nn.Identity())
    row("classifier, last layer tuned on the support", vectors, head, test, EPISODES, minutes)
    tuned = partial(fine_tuned_scores, model, train="all", steps=20, learning_rate=1e-3)
    row("classifier, all layers tuned on the support", new, tuned, test, FEW, minutes)
    print(f"{(time.time() - begin) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
