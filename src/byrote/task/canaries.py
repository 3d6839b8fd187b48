"""Canaries: coin-flipped examples of known kinds, the thermometer of every audit. They never pass for real data."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.record import Population
from byrote.record.ids import make_ids
from byrote.signature import spell
from byrote.task.examples import Examples
from byrote.task.task import Task

CANARY_STREAM = 2
KINDS = ("mislabeled", "ordinary", "noise", "ambiguous")
USUAL = KINDS[:3]


@dataclass(frozen=True)
class Canaries:
    """How many canaries of each kind to plant.

    `mislabeled`: real training examples with a wrong label. `ordinary`: real training examples as they are. `noise`:
    Gaussian inputs with the data's mean and variance per feature (bytes are cut off at 0 and 255) and a random label.
    `ambiguous`: means of two real training examples of different classes, with the label of one of them. Each is in
    exactly half of the runs (up to one), whatever the design does with everyone else. Half of each kind is for
    verification: no control may look at it.
    """

    mislabeled: int = 0
    ordinary: int = 0
    noise: int = 0
    ambiguous: int = 0

    def __post_init__(self) -> None:
        for kind in KINDS:
            if getattr(self, kind) < 0:
                raise InvalidData(f"{getattr(self, kind)} {kind} canaries cannot be planted. Give 0 or more.")

    def __str__(self) -> str:
        return spell("canaries", {k: getattr(self, k) for k in KINDS if k in USUAL or getattr(self, k)})

    @classmethod
    def of_each(cls, count: int) -> "Canaries":
        """Return as many of each of the three usual kinds."""
        return cls(count, count, count)


def plant(task: Task, canaries: Canaries, seed: int) -> Population:
    """Return everyone a model will be trained on or asked about: train, test and canaries, in this order.

    Raises InvalidData when the canaries would take more than a fifth of the training examples.
    """
    rng = np.random.default_rng([seed, CANARY_STREAM])
    train, test = task.train, task.test
    taken, made = canaries.mislabeled + canaries.ordinary, canaries.noise + canaries.ambiguous
    if taken + made > len(train) / 5:
        raise InvalidData(
            f"{taken + made} canaries are more than a fifth of {len(train)} training examples. Plant fewer, or give more examples."
        )
    chosen = rng.permutation(len(train))[:taken]
    wrong, ordinary = chosen[: canaries.mislabeled], chosen[canaries.mislabeled :]
    kept = np.ones(len(train), np.bool_)
    kept[chosen] = False
    classes = len(task.classes)
    false_labels = (train.labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    noise = _noise(train.inputs, canaries.noise, rng)
    first, blends = _blends(train, canaries.ambiguous, np.random.default_rng([seed, CANARY_STREAM, 0]))
    kind = np.repeat(KINDS, [getattr(canaries, kind) for kind in KINDS])
    sources = [*make_ids("train", train.ids[chosen]), *[""] * canaries.noise, *make_ids("train", train.ids[first])]
    names = [f"{k}/{s or i - taken}" for i, (k, s) in enumerate(zip(kind, sources, strict=True))]
    real, planted = int(kept.sum()) + len(test), len(kind)
    nobody = np.full(real, "")
    groups = np.full(len(train), "") if train.groups is None else train.groups
    return Population(
        ids=np.concatenate([make_ids("train", train.ids[kept]), make_ids("test", test.ids), make_ids("canary", names)]),
        split=np.repeat(["train", "test", "canary"], [int(kept.sum()), len(test), planted]),
        labels=np.concatenate(
            [
                train.labels[kept],
                test.labels,
                false_labels,
                train.labels[ordinary],
                rng.integers(0, classes, canaries.noise),
                train.labels[first],
            ]
        ),
        canary=np.concatenate([nobody, kind]),
        verification=np.concatenate([np.zeros(real, np.bool_), _half_of_each(kind, rng)]),
        source=np.concatenate([nobody, np.array(sources, dtype=np.str_)]),
        true_label=np.concatenate([np.full(real, -1), train.labels[wrong], np.full(planted - len(wrong), -1)]),
        groups=np.concatenate([groups[kept], np.full(len(test) + planted, "")]),
        inputs=np.concatenate([train.inputs[kept], test.inputs, train.inputs[chosen], noise, blends]),
    )


def parse_canaries(text: str) -> Canaries:
    """Read canaries from their text: `50` of each of the three usual kinds, or `mislabeled=50,ambiguous=20`."""
    if text.strip().isdecimal():
        return Canaries.of_each(int(text))
    counts: dict[str, int] = {}
    for part in text.split(","):
        kind, _, count = (piece.strip() for piece in part.partition("="))
        if kind not in KINDS:
            raise unknown("kind of canary", kind, KINDS)
        if not count.isdecimal() or kind in counts:
            raise InvalidData(f"{text!r} says no number of canaries. Write 50, or 'mislabeled=50,ambiguous=20'.")
        counts[kind] = int(count)
    return Canaries(**counts)


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
    return _like(inputs, rng.normal(mean, spread, (count, *inputs.shape[1:])))


def _blends(
    train: Examples, count: int, rng: np.random.Generator
) -> tuple[Int[ndarray, " canary"], NDArray[np.generic]]:
    """Return the examples that give the label, all different, and their means with one of another class each."""
    first = rng.permutation(len(train))[:count]
    second = np.array([rng.choice(np.flatnonzero(train.labels != train.labels[at])) for at in first], np.int64)
    one, other = (train.inputs[who].astype(np.float64) for who in (first, second))
    return first, _like(train.inputs, (one + other) / 2)


def _like(inputs: NDArray[np.generic], values: NDArray[np.float64]) -> NDArray[np.generic]:
    """Return values as the type of the inputs; bytes are rounded and cut off at 0 and 255."""
    return (
        np.clip(np.rint(values), 0, 255).astype(np.uint8) if inputs.dtype == np.uint8 else values.astype(inputs.dtype)
    )
