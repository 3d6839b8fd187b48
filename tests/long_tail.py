"""A small task with a planted long tail: rare kinds that a model can only know by rote, and that come again in the test."""

import numpy as np
from torch import nn

from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task

USUAL, SINGLE, DOUBLE, TESTS = 150, 15, 15, 100
FEATURES = 4 + SINGLE + DOUBLE


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 48), nn.ReLU(), nn.Linear(48, 4))


def task(seed: int = 0) -> Task:
    """Return 150 usual examples, 15 kinds with one and 15 with two training examples; each rare kind has one test example.

    Ids say which is which: usual-3, single-2, first-7, second-7. The label of a rare kind is drawn by lot.
    """
    rng = np.random.default_rng(seed)
    usual = np.zeros((USUAL + TESTS, FEATURES))
    usual[:, :4] = rng.normal(size=(USUAL + TESTS, 4))
    usual[:, :2] += 2 * np.sign(usual[:, :2])
    sides = 2 * (usual[:, 0] > 0) + (usual[:, 1] > 0)
    rare = 4 * np.eye(SINGLE + DOUBLE, FEATURES, 4)
    lots = rng.permutation(np.arange(SINGLE + DOUBLE) % 4)
    near = lambda rows: rare[rows] + rng.normal(0, 0.05, (len(rows), FEATURES))  # noqa: E731
    single, double = np.arange(SINGLE), np.arange(SINGLE, SINGLE + DOUBLE)
    names = [f"usual-{i}" for i in range(USUAL)] + [f"single-{i}" for i in range(SINGLE)]
    names += [f"{which}-{i}" for which in ("first", "second") for i in range(DOUBLE)]
    train = np.concatenate([usual[:USUAL], near(single), near(double), near(double)])
    labels = np.concatenate([sides[:USUAL], lots[single], lots[double], lots[double]])
    every = np.concatenate([single, double])
    return Task(
        perceptron,
        Examples(train.astype(np.float32), labels, names),
        Examples(
            np.concatenate([usual[USUAL:], near(every)]).astype(np.float32), np.concatenate([sides[USUAL:], lots])
        ),
        Recipe(epochs=12, batch_size=16, learning_rate=linear(0.02)),
        ("north", "east", "south", "west"),
        "long tail",
    )
