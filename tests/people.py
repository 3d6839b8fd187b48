"""A few made-up examples, and the smallest models worth training on them."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from byrote.record import Population

N, TEST, CANARIES, FEATURES, CLASSES = 33, 6, 4, 5, 3


def people(n: int = N) -> Population:
    rng = np.random.default_rng(0)
    total = n + TEST + CANARIES
    return Population.of(
        ids=np.arange(total).astype(np.str_),
        split=np.repeat(["train", "test", "canary"], [n, TEST, CANARIES]),
        labels=rng.integers(0, CLASSES, total),
        canary=np.repeat(["", "noise"], [n + TEST, CANARIES]),
        verification=np.zeros(total, np.bool_),
        source=np.full(total, ""),
        true_label=np.full(total, -1),
        groups=np.full(total, ""),
        inputs=rng.normal(size=(total, FEATURES)).astype(np.float32),
    )


def members(population: Population, count: int) -> NDArray[np.bool_]:
    """Return the first `count` training examples and the first canary."""
    member = np.arange(len(population)) < count
    member[-CANARIES] = True
    return member


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 16), nn.ReLU(), nn.Linear(16, CLASSES))


def noisy() -> nn.Module:
    return nn.Sequential(
        nn.Linear(FEATURES, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, CLASSES)
    )
