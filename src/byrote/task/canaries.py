"""Canaries: coin-flipped examples of known kinds, the thermometer of every audit. They never pass for real data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, refuses_unknown_names, unknown
from byrote.objectives import Tokens
from byrote.objectives.tokens import as_read
from byrote.record import Inputs, Population, make_ids, no_labels
from byrote.record.display import write_texts
from byrote.record.inputs import each, is_real, joined, parts, rows
from byrote.signature import spell
from byrote.task.task import Task

CANARY_STREAM = 2
KINDS = ("mislabeled", "ordinary", "noise", "ambiguous")
USUAL = KINDS[:3]


@refuses_unknown_names
@dataclass(frozen=True)
class Canaries:
    """How many canaries of each kind to plant.

    `mislabeled`: real training examples with a wrong target: another class, or the clearly different target of another
    example. `ordinary`: real training examples as they are. `noise`: inputs that show nothing, with a random target:
    Gaussian with the data's mean and variance per feature (bytes are cut off at 0 and 255); where inputs are other
    whole numbers, of any type, or bool, each feature is that of a random example. Of a language task, whose targets are
    the inputs themselves, `mislabeled` are real training texts with their tokens in a random order, and `noise` are
    texts as long as real ones, of tokens drawn by how often they occur: both can be known by rote only. `ambiguous`:
    means of two real training examples of clearly different targets, with the target of one of them. Each is in exactly
    half of the runs (up to one), whatever the design does with the other examples. Half of each kind is for
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
    """Return all examples that a model will be trained on or evaluated on: train, test and canaries, in this order.

    Raises InvalidData when the canaries would take more than a fifth of the training examples, and for ambiguous ones
    among inputs that have no mean.
    """
    rng = np.random.default_rng([seed, CANARY_STREAM])
    train, objective = task.train, task.learned
    tests = [] if task.test is None else [task.test]
    taken, made = canaries.mislabeled + canaries.ordinary, canaries.noise + canaries.ambiguous
    if taken + made > len(train) / 5:
        raise InvalidData(
            f"{taken + made} canaries are more than a fifth of {len(train)} training examples. Plant fewer, or give more examples."
        )
    free = rng.permutation(len(train))
    if task.always:
        free = free[~np.isin(train.ids[free], sorted(task.always))]
        if len(free) < taken:
            raise InvalidData(
                f"{taken} canaries are made of training examples, and {len(free)} of these may be left out of runs. Plant fewer."
            )
    chosen = free[:taken]
    wrong, ordinary = chosen[: canaries.mislabeled], chosen[canaries.mislabeled :]
    kept = np.ones(len(train), np.bool_)
    kept[chosen] = False
    false_labels = objective.wrong(train.labels, wrong, rng)
    as_wrong = rows(train.inputs, wrong)
    if isinstance(objective, Tokens):
        like = rng.integers(0, len(train), canaries.noise)
        invented = objective.drawn(train.labels, like, rng)
        noise, as_wrong = _read(rows(train.inputs, like), invented), _read(as_wrong, false_labels)
    else:
        noise = each(lambda part: _noise(part, canaries.noise, rng), train.inputs)
        invented = objective.random(train.labels, canaries.noise, rng)
    first, blends = _blends(task, canaries.ambiguous, np.random.default_rng([seed, CANARY_STREAM, 0]))
    kind = np.repeat(KINDS, [getattr(canaries, kind) for kind in KINDS])
    sources = [*make_ids("train", train.ids[chosen]), *[""] * canaries.noise, *make_ids("train", train.ids[first])]
    names = [f"{k}/{s or i - taken}" for i, (k, s) in enumerate(zip(kind, sources, strict=True))]
    labels = [
        train.labels[kept],
        *(test.labels for test in tests),
        false_labels,
        train.labels[ordinary],
        invented,
        train.labels[first],
    ]
    tested, planted = sum(len(test) for test in tests), len(kind)
    real = int(kept.sum()) + tested
    none = np.full(real, "")
    groups = np.full(len(train), "") if train.groups is None else train.groups
    weights = np.ones(len(train), np.float32) if train.weights is None else train.weights
    inputs = joined(
        [
            rows(train.inputs, kept),
            *(test.inputs for test in tests),
            as_wrong,
            rows(train.inputs, ordinary),
            noise,
            blends,
        ]
    )
    display, show = train.display, train.show
    return Population.of(
        np.concatenate(
            [
                make_ids("train", train.ids[kept]),
                *(make_ids("test", test.ids) for test in tests),
                make_ids("canary", names),
            ]
        ),
        np.repeat(["train", "test", "canary"], [int(kept.sum()), tested, planted]),
        np.concatenate([part for part in labels if len(part)]).astype(train.labels.dtype),
        inputs,
        canary=np.concatenate([none, kind]),
        verification=np.concatenate([np.zeros(real, np.bool_), _half_of_each(kind, rng)]),
        source=np.concatenate([none, np.array(sources, dtype=np.str_)]),
        true_label=np.concatenate(
            [no_labels(train.labels, real), train.labels[wrong], no_labels(train.labels, planted - len(wrong))]
        ),
        groups=np.concatenate([groups[kept], np.full(tested + planted, "")]),
        weights=np.concatenate(
            [
                weights[kept],
                np.ones(tested, np.float32),
                weights[chosen],
                np.ones(canaries.noise, np.float32),
                weights[first],
            ]
        ),
        display=display,
        read_texts=lambda: write_texts(inputs, display.kind, show),
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


def _noise(inputs: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return inputs that show nothing, feature by feature like the data."""
    if not count:
        return inputs[:0]
    if is_real(inputs) and not _are_whole(inputs):
        mean, spread = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
        return _like(inputs, rng.normal(mean, spread, (count, *inputs.shape[1:])))
    shape = (count, *inputs.shape[1:])
    return np.take_along_axis(inputs, rng.integers(0, len(inputs), shape), axis=0)


def _read(inputs: Inputs, targets: NDArray[Any]) -> Inputs:
    """Return the inputs of texts whose tokens are these targets; token ids are the first array of whole numbers."""
    name = next(name for name, part in parts(inputs).items() if part.ndim == 2 and part.dtype.kind in "iu")
    found = {each: as_read(part, targets) if each == name else part for each, part in parts(inputs).items()}
    return found if isinstance(inputs, dict) else tuple(found.values()) if isinstance(inputs, tuple) else found[name]


def _are_whole(inputs: NDArray[Any]) -> bool:
    """Return whether floating-point inputs hold whole numbers only, such as token ids: others than these may be none."""
    return inputs.dtype.kind == "f" and bool((inputs == np.floor(inputs)).all())


def _blends(task: Task, count: int, rng: np.random.Generator) -> tuple[Int[ndarray, " canary"], Inputs]:
    """Return the examples that give the target, all different, and their means with one of a clearly different target each."""
    train, labels = task.train, task.train.labels
    if not count:
        return np.zeros(0, np.int64), rows(train.inputs, slice(0, 0))
    if not all(map(is_real, parts(train.inputs).values())):
        raise InvalidData("Inputs that are whole numbers or bool have no mean. Plant no ambiguous canaries.")
    first = rng.permutation(len(train))[:count]
    partners: list[int] = []
    for at in first:
        others = np.flatnonzero(task.learned.unlike(labels, labels[at]))
        if not len(others):
            raise InvalidData("No two training examples have clearly different targets. Plant no ambiguous canaries.")
        partners.append(rng.choice(others))
    second = np.array(partners, np.int64)

    def mean(part: NDArray[Any]) -> NDArray[Any]:
        return _like(part, (part[first].astype(np.float64) + part[second].astype(np.float64)) / 2)

    return first, each(mean, train.inputs)


def _like(inputs: NDArray[Any], values: NDArray[np.float64]) -> NDArray[Any]:
    """Return values as the type of the inputs; bytes are rounded and cut off at 0 and 255."""
    return (
        np.clip(np.rint(values), 0, 255).astype(np.uint8) if inputs.dtype == np.uint8 else values.astype(inputs.dtype)
    )
