"""A small record of a real training, with planted copies, hostile names and canaries; made in a few seconds."""

from pathlib import Path

import numpy as np
from torch import nn

from byrote.record import Record
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

TRAIN, TEST, CLASSES = 240, 60, 4
HOSTILE = "<img src=x onerror=alert(1)>"
CLOSING = "</script><script>alert(2)</script>"
COPY_OF, COPY = 3, 239
"""The last training example is an exact copy of this one, with the same label."""

CONFLICT_OF, CONFLICT = 5, 238
"""The one before is an exact copy with another label."""


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, CLASSES))


def task(*, vectors: bool = False, epochs: int = 30) -> Task:
    """Return four noisy 8x8 patterns; one training label in twelve is wrong."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (CLASSES, 8, 8))
    labels = np.arange(TRAIN + TEST) % CLASSES
    noise = rng.normal(0, 90, (TRAIN + TEST, 8, 8))
    images = np.clip(patterns[labels] + noise, 0, 255).astype(np.uint8)
    wrong = rng.random(TRAIN + TEST) < 1 / 12
    wrong[[COPY_OF, CONFLICT_OF]] = False
    labels = np.where(wrong, (labels + 1) % CLASSES, labels)
    images[COPY], labels[COPY] = images[COPY_OF], labels[COPY_OF]
    images[CONFLICT], labels[CONFLICT] = images[CONFLICT_OF], (labels[CONFLICT_OF] + 1) % CLASSES
    inputs = images.reshape(len(images), -1).astype(np.float32) / 255 if vectors else images
    ids = [str(i) for i in range(TRAIN)]
    ids[CONFLICT_OF], ids[CONFLICT] = HOSTILE, CLOSING
    return Task(
        perceptron,
        Examples(inputs[:TRAIN], labels[:TRAIN], ids),
        Examples(inputs[TRAIN:], labels[TRAIN:]),
        Recipe(epochs=epochs, batch_size=16, learning_rate=linear(0.05)),
        ("north", "east", f"south {HOSTILE}", "west"),
        f"small {CLOSING}",
    )


def make(directory: Path, *, runs: int = 14, canaries: int = 12, vectors: bool = False, epochs: int = 30) -> Record:
    """Train and return a record; `canaries` is how many of each kind."""
    return collect(
        task(vectors=vectors, epochs=epochs),
        directory,
        runs=runs,
        canaries=Canaries.of_each(canaries),
        compute=Compute(workers=1),
        source="small.py",
    )
