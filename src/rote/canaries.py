"""Canaries: coin-flipped examples of known kinds, the thermometer of every audit. They never pass for real data."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from rote.errors import InvalidData
from rote.recipe import Task
from rote.record import Population
from rote.signature import spell

CANARY_STREAM = 2
KINDS = ("mislabeled", "ordinary", "noise")


@dataclass(frozen=True)
class Canaries:
    """How many canaries of each kind to plant.

    `mislabeled`: real training examples with a wrong label. `ordinary`: real training examples as they are. `noise`:
    Gaussian inputs with the data's mean and variance per feature (bytes are cut off at 0 and 255) and a random label.
    Each is in exactly half of the runs (up to one), whatever the design does with everyone else. Half of each kind is
    for verification: no control may look at it.
    """

    mislabeled: int = 0
    ordinary: int = 0
    noise: int = 0

    def __post_init__(self) -> None:
        for kind in KINDS:
            if getattr(self, kind) < 0:
                raise InvalidData(f"{getattr(self, kind)} {kind} canaries cannot be planted. Give 0 or more.")

    def __str__(self) -> str:
        return spell("canaries", {kind: getattr(self, kind) for kind in KINDS})

    @classmethod
    def of_each(cls, count: int) -> "Canaries":
        """Return as many of every kind."""
        return cls(count, count, count)


def plant(task: Task, canaries: Canaries, seed: int) -> Population:
    """Return everyone a model will be trained on or asked about: train, test and canaries, in this order.

    Raises InvalidData when the canaries would take more than a fifth of the training examples.
    """
    rng = np.random.default_rng([seed, CANARY_STREAM])
    train, test = task.train, task.test
    taken = canaries.mislabeled + canaries.ordinary
    if taken + canaries.noise > len(train) / 5:
        raise InvalidData(
            f"{taken + canaries.noise} canaries are more than a fifth of {len(train)} training examples. Plant fewer, or give more examples."
        )
    chosen = rng.permutation(len(train))[:taken]
    wrong, ordinary = chosen[: canaries.mislabeled], chosen[canaries.mislabeled :]
    kept = np.ones(len(train), np.bool_)
    kept[chosen] = False
    classes = len(task.classes)
    false_labels = (train.labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    noise = _noise(train.inputs, canaries.noise, rng)
    kind = np.repeat(KINDS, [canaries.mislabeled, canaries.ordinary, canaries.noise])
    sources = [f"train/{i}" for i in train.ids[chosen]] + [""] * canaries.noise
    names = [f"canary/{k}/{s or i - taken}" for i, (k, s) in enumerate(zip(kind, sources, strict=True))]
    real, planted = int(kept.sum()) + len(test), len(kind)
    nobody = np.full(real, "")
    groups = np.full(len(train), "") if train.groups is None else train.groups
    return Population(
        ids=np.array([f"train/{i}" for i in train.ids[kept]] + [f"test/{i}" for i in test.ids] + names),
        split=np.repeat(["train", "test", "canary"], [int(kept.sum()), len(test), planted]),
        labels=np.concatenate(
            [
                train.labels[kept],
                test.labels,
                false_labels,
                train.labels[ordinary],
                rng.integers(0, classes, canaries.noise),
            ]
        ),
        canary=np.concatenate([nobody, kind]),
        verification=np.concatenate([np.zeros(real, np.bool_), _half_of_each(kind, rng)]),
        source=np.concatenate([nobody, np.array(sources, dtype=np.str_)]),
        true_label=np.concatenate([np.full(real, -1), train.labels[wrong], np.full(planted - len(wrong), -1)]),
        groups=np.concatenate([groups[kept], np.full(len(test) + planted, "")]),
        inputs=np.concatenate([train.inputs[kept], test.inputs, train.inputs[chosen], noise]),
    )


def flips(population: Population, blocks: list[int], seed: int) -> Bool[ndarray, "run example"]:
    """Return which canary is in which run: every one in half of them, up to one, independently of the design and the others.

    Each canary's half is its own draw, so within one run every canary has flipped a fair coin of its own: this is what
    audits of one run rest on. A run therefore has not always exactly half of the canaries.
    """
    number, runs = int((population.split == "canary").sum()), 0
    counts = np.zeros(number, np.int64)
    parts = [np.zeros((0, number), np.bool_)]
    for index, block in enumerate(blocks):
        rng = np.random.default_rng([seed, CANARY_STREAM, 1 + index])
        runs += block
        goal = runs // 2 + rng.integers(0, 1 + runs % 2, number)
        parts.append(rng.random((block, number)).argsort(axis=0).argsort(axis=0) < goal - counts)
        counts = goal
    return np.concatenate(parts)


def _half_of_each(kind: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.bool_]:
    half = np.zeros(len(kind), np.bool_)
    for name in np.unique(kind):
        who = rng.permutation(np.flatnonzero(kind == name))
        half[who[: len(who) // 2]] = True
    return half


def _noise(inputs: NDArray[np.generic], count: int, rng: np.random.Generator) -> NDArray[np.generic]:
    if not count:
        return inputs[:0]
    mean, spread = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    drawn = rng.normal(mean, spread, (count, *inputs.shape[1:]))
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8) if inputs.dtype == np.uint8 else drawn.astype(inputs.dtype)
