"""Small real tasks for tests: quick to train, with something to memorize."""

import numpy as np
from torch import nn

from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))


def small_task(epochs: int = 3, n: int = 80, seed: int = 0) -> Task:
    """Return four noisy 8x8 patterns, one in ten with a random label."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, 256, (4, 8, 8))
    labels = rng.integers(0, 4, n + 40)
    images = np.clip(patterns[labels] + rng.normal(0, 60, (n + 40, 8, 8)), 0, 255).astype(np.uint8)
    flipped = rng.random(n + 40) < 0.1
    labels = np.where(flipped, rng.integers(0, 4, n + 40), labels)
    recipe = Recipe(epochs=epochs, batch_size=16, optimizer="sgd", learning_rate=linear(0.2))
    return Task(
        perceptron,
        Examples(images[:n], labels[:n]),
        Examples(images[n:], labels[n:]),
        recipe,
        ("north", "east", "south", "west"),
        "small",
    )
