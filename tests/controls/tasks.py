"""Small tasks of each kind of data, for controls that are for one of them."""

from dataclasses import replace
from functools import partial

import numpy as np
from torch import nn

from byrote.objectives import Tokens
from byrote.record.inputs import rows
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.task.transformer import transformer
from small import small_task

RECIPE = Recipe(epochs=2, batch_size=16, optimizer="sgd", learning_rate=0.2)
N, HELD_OUT = 64, 16


def table_task() -> Task:
    """Four classes of rows with six real features."""
    rng = np.random.default_rng(1)
    return _task(lambda: nn.Linear(6, 4), rng.normal(5, 3, (N + HELD_OUT, 6)), "table")


def signal_task() -> Task:
    """Four classes of signals, `[example, channel, time]`."""
    rng = np.random.default_rng(2)
    make = lambda: nn.Sequential(nn.Flatten(), nn.Linear(40, 4))  # noqa: E731
    return _task(make, rng.normal(0, 1, (N + HELD_OUT, 2, 20)), "signal")


def text_task() -> Task:
    """Four classes of texts of eight token ids below 20."""
    rng = np.random.default_rng(3)
    make = lambda: nn.Sequential(nn.Embedding(20, 4), nn.Flatten(), nn.Linear(32, 4))  # noqa: E731
    return _task(make, rng.integers(2, 20, (N + HELD_OUT, 8)), "text")


def language_task() -> Task:
    """Texts of twelve token ids below 20, some shorter, for a transformer of one layer."""
    rng = np.random.default_rng(5)
    texts = rng.integers(0, 20, (N + HELD_OUT, 13))
    targets = np.where((np.arange(12) >= 8) & (np.arange(len(texts))[:, None] % 3 == 0), -1, texts[:, 1:])
    train, test = (Examples(texts[part, :-1], targets[part]) for part in (slice(N), slice(N, None)))
    make = partial(transformer, 20, 12, width=16, depth=1, heads=2)
    recipe = replace(RECIPE, optimizer="adamw", learning_rate=0.01)
    return Task(make, train, test, recipe, name="language", objective=Tokens(20))


def copies_task() -> Task:
    """The small pictures, of which the first four stand twice more at the end with other labels."""
    task = small_task()
    train = rows(task.train.inputs, np.r_[np.arange(len(task.train)), np.arange(4), np.arange(4)])
    labels = np.r_[task.train.labels, np.arange(4), np.arange(4)[::-1]]
    return replace(task, train=Examples(train, labels))


def _task(make: object, inputs: np.ndarray, kind: str) -> Task:
    labels = np.random.default_rng(4).integers(0, 4, len(inputs))
    train, test = (Examples(inputs[part], labels[part], kind=kind) for part in (slice(N), slice(N, None)))
    return Task(make, train, test, RECIPE, name=kind)
