"""Small records of a table, of signals and of texts, with hostile and long names."""

from pathlib import Path

import numpy as np
from torch import nn

from byrote.record import Record
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small_record import CLOSING, HOSTILE

LONG = "a_name_without_any_space_" * 10
KINDS = ("table", "signal", "text")
TRAIN = 120
UNUSUAL = 7
"""The row of the table with a value far from all others, in column 0."""


def make(kind: str, directory: Path) -> Record:
    """Train and return a record of this kind of data."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, TRAIN + 40)
    values = rng.normal(size=(len(labels), 24)).astype(np.float32) + labels[:, None] * np.linspace(
        0, 1, 24, dtype=np.float32
    )
    values[UNUSUAL, 0], values[-1, 3] = 50, -40
    ids = [str(i) for i in range(TRAIN)]
    ids[3], ids[4] = HOSTILE, LONG

    def split(inputs: np.ndarray, **options: object) -> tuple[Examples, Examples]:
        train = Examples(inputs[:TRAIN], labels[:TRAIN], ids, **options)  # type: ignore[arg-type]
        return train, Examples(inputs[TRAIN:], labels[TRAIN:], **options)  # type: ignore[arg-type]

    def dense() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 2))

    if kind == "table":
        train, test = split(values, columns=[HOSTILE, CLOSING, LONG, *map(str, range(21))])
    elif kind == "signal":
        train, test = split(values.reshape(-1, 2, 12), columns=[HOSTILE, LONG])
    else:
        words = ["", HOSTILE, CLOSING, LONG, *(f"word{i}" for i in range(4, 20))]
        train, test = split(np.clip(np.rint(3 * values) + 9, 0, 19).astype(np.int64), show=words)

    def bag() -> nn.Module:
        return nn.Sequential(nn.EmbeddingBag(20, 16), nn.Linear(16, 2))

    return collect(
        Task(bag if kind == "text" else dense, train, test, Recipe(epochs=20, learning_rate=0.1), ("no", LONG), kind),
        directory,
        runs=6,
        canaries=Canaries(mislabeled=4, ordinary=4),
        compute=Compute(workers=1),
    )
