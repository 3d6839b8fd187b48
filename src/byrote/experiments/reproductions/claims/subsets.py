"""Many models on subsets of the same examples: memorization example by example, as Feldman & Zhang (2020) estimate it."""

import base64
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.experiments.reproductions.data import images
from byrote.experiments.reproductions.experiment import Bench, Found
from byrote.experiments.reproductions.networks import network
from byrote.experiments.reproductions.trained import epochs_of
from byrote.scores import memorization
from byrote.task.designs import KFold, Subsets
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task

USUAL: dict[str, Any] = {
    "data": "fashion14",
    "network_name": "256",
    "rate": 0.002,
    "batch": 50,
    "noise": 0.0,
    "draw": 0,
}
"""The options of `outcomes`, unless a claim says otherwise. `draw` is the seed of the images."""


def task_of(
    bench: Bench, *, data: str, network_name: str, examples: int, epochs: int, rate: float, batch: int, noise: float,
    draw: int,
) -> Task:  # fmt: skip
    """Return the task: these images, with a share of wrong labels."""
    source, rng = images(data, bench.data), np.random.default_rng([draw, 13])
    which = rng.permutation(len(source.train))[:examples]
    y = source.labels[which]
    wrong = rng.random(examples) < noise
    given = np.where(wrong, (y + rng.integers(1, 10, examples)) % 10, y)
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=linear(rate), evaluate_every=0)
    tests = Examples(source.test, source.test_labels)
    return Task(lambda: network(network_name, source.shape), Examples(source.train[which], given), tests, recipe)


def right_of(
    task: Task, bench: Bench, members: Bool[ndarray, "run example"], seeds: list[int]
) -> tuple[Bool[ndarray, "run example"], Bool[ndarray, "run test"]]:
    """Train a model on each row of `members`; return what each predicts correctly of training and of test examples."""
    *_, steps = epochs_of(task, bench, seeds, members)
    right = np.stack([step.clean.values["correct"] for step in steps if step.clean is not None])
    return right[:, : len(task.train)], right[:, len(task.train) :]


def outcomes(bench: Bench, *, design: str, runs: int, seed: int, **options: Any) -> Found:
    """Train `runs` models on subsets of 80 %, at random or as folds, and return their outcomes as packed bits."""
    task = task_of(bench, **options)
    groups = np.full(len(task.train), "")
    kind = KFold(5) if design == "kfold" else Subsets(0.8)
    members = kind.membership([runs], groups, seed)
    right, tests = right_of(task, bench, members, list(range(1000 * seed, 1000 * seed + runs)))
    return {
        "right": packed(right),
        "member": packed(members),
        "shape": list(right.shape),
        "test": tests.mean(1).tolist(),
    }


def packed(values: Bool[ndarray, "run example"]) -> str:
    """Return bits as text."""
    return base64.b64encode(np.packbits(values).tobytes()).decode()


def unpacked(text: str, shape: list[int]) -> Bool[ndarray, "run example"]:
    """Return bits of a text."""
    count = int(np.prod(shape))
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8))[:count]
    return bits.reshape(shape).astype(np.bool_)


def read(found: Found) -> tuple[Bool[ndarray, "run example"], Bool[ndarray, "run example"]]:
    """Return which predictions are right, and which examples each run was trained on."""
    return unpacked(found["right"], found["shape"]), unpacked(found["member"], found["shape"])


def memorized(right: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"]) -> Float[ndarray, " example"]:
    """Return memorization, example by example; NaN where an example was in every run or in none."""
    return memorization(right, member)
