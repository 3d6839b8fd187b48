"""A memory-augmented network on sequences of characters: accuracy by presentation (Santoro et al. 2016, table 1).

python -m records.wanted.few_shot_sequences
"""

import time

import numpy as np
import torch

from byrote.recall.few_shot.encoder import embed, encoder
from byrote.recall.few_shot.memory_augmented import MemoryAugmented, draw_sequences, presentations, train_on_sequences
from byrote.recall.few_shot.prototypes import prototype_scores
from byrote.recall.few_shot.training import EpisodicRecipe, train_by_episodes
from byrote.stats.estimate import Estimate
from byrote.task.datasets.glyphs import glyphs

SEED, WAY, EACH, TESTED = 0, 5, 10, 300
ENCODER, STAGES = 300, ((5, 2000), (10, 400))
"""Updates of the encoder; presentations of each class and updates of the network, one stage after the other."""

SHOWN = (1, 2, 3, 4, 5, 10)
PAPER = {1: 0.364, 2: 0.828, 3: 0.910, 4: 0.926, 5: 0.949, 10: 0.981}


def main() -> None:
    torch.set_num_threads(1)
    background, evaluation = glyphs()
    pictures, new = (torch.from_numpy(part.inputs).float() / 255 for part in (background, evaluation))
    labels = torch.from_numpy(background.labels)
    torch.manual_seed(SEED)
    model, start = encoder(), time.time()
    train_by_episodes(model, pictures, labels, prototype_scores, EpisodicRecipe(updates=ENCODER), seed=SEED)
    vectors, others = embed(model, pictures), embed(model, new)
    mean, spread = vectors.mean(0), vectors.std(0)
    vectors, others = (vectors - mean) / spread, (others - mean) / spread
    print(f"torch {torch.__version__}, seed {SEED}; encoder {(time.time() - start) / 60:.1f} minutes", flush=True)
    network, start, losses = MemoryAugmented(vectors.shape[1], WAY, units=100, slots=32), time.time(), list[float]()
    for each, updates in STAGES:
        losses += train_on_sequences(
            network, vectors, labels, each=each, updates=updates, batch=16, learning_rate=2e-3, seed=SEED + each
        )
        print(
            f"{each} presentations, {updates} updates: loss {np.mean(losses[-50:]):.3f}, {(time.time() - start) / 60:.1f} minutes",
            flush=True,
        )
    test = draw_sequences(evaluation.labels, WAY, EACH, count=TESTED, seed=SEED)
    with torch.no_grad():
        logits = network(others[torch.from_numpy(test.rows)], torch.from_numpy(test.labels))
    correct, times = logits.argmax(2).numpy() == test.labels, presentations(test.labels)
    print("| presentation | glyphs | Omniglot, in the paper |")
    print("|---|---|---|")
    for at in SHOWN:
        shares = np.array([row[time == at].mean() for row, time in zip(correct, times, strict=True)])
        print(f"| {at} | {Estimate.of_mean(shares, 'sequences')} | {PAPER[at]:.3f} |")


if __name__ == "__main__":
    main()
