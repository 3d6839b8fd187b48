"""A class of which five examples are known, kept exactly: in the weights, and in a memory beside.

python -m records.wanted.rare_classes    # about two minutes of one core; nothing is kept

Digits: each of the ten classes in turn has five training examples and the others all of theirs. The five are trained on with the
rest; trained on until all five are recalled; or stored in a memory beside a network that never saw the class. A memory
answers what is near enough to a stored one (false-accept rate .01 among examples of other classes), the network all else.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import byrote
from byrote.controls import drop, wanted
from byrote.experiments.recalling.in_memory import FALSE_ACCEPT, IMPOSTORS, Beside, Embedded, flat
from byrote.experiments.recalling.in_weights import predicted
from byrote.recall import Memory
from byrote.stats.estimate import Estimate
from byrote.task.designs import Everything
from byrote.task.loading import load_task
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.models import read_model
from byrote.training.tensors import as_read

KEPT, SEED = 5, 0


def network(task: Task, seed: int) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "record"
        byrote.collect(
            task, where, runs=1, design=Everything(), seed=seed, compute=Compute(workers=1), keep_models=True,
            progress=lambda _: None,
        )  # fmt: skip
        return read_model(task, where, 0)


def beside(model: Any, key: Callable[[Tensor], Tensor], metric: Any, five: Tensor, label: int, rest: Tensor) -> Beside:
    keys = key(five)
    memory = Memory(keys.shape[1], metric=metric)
    memory.add(keys, [label] * len(five))
    memory.calibrate(key(rest[:IMPOSTORS]), FALSE_ACCEPT)
    return Beside(memory, key, model)


def over(shares: Sequence[float]) -> Estimate:
    """Return the mean over classes; where all are 0 or all are 1, the interval of so many classes."""
    if set(shares) <= {0.0} or set(shares) <= {1.0}:
        return Estimate.of_share(sum(shares), len(shares), "class")
    return Estimate.of_mean(shares, "class").within(0, 1)


def main() -> None:
    torch.set_num_threads(1)
    start, found = time.time(), {}
    task = load_task("digits")
    assert task.test is not None
    inputs, tests = as_read(task.train.inputs, "cpu"), as_read(task.test.inputs, "cpu")
    labels, truth = task.train.labels, task.test.labels
    for label in range(10):
        own = np.random.default_rng([SEED, label]).permutation(np.flatnonzero(labels == label))
        others = np.random.default_rng([SEED, label]).permutation(np.flatnonzero(labels != label))
        five, rest = inputs[own[:KEPT]], inputs[others]
        held = drop(task.train.ids[own[KEPT:]].tolist())(task)
        longer = replace(held, recipe=replace(held.recipe, epochs=2 * held.recipe.epochs))
        plain = network(held, label)
        floored = network(wanted(task.train.ids[own[:KEPT]].tolist(), 1.0)(longer), label)
        never = network(drop(task.train.ids[own].tolist())(task), label)
        ways: dict[str, Callable[[Tensor], np.ndarray]] = {
            "in the weights": lambda given, model=plain: predicted(model, given),
            "in the weights, until all five are recalled": lambda given, model=floored: predicted(model, given),
            "in a memory of inputs": beside(never, flat, "euclidean", five, label, rest),
            "in a memory of embeddings": beside(never, Embedded(never), "cosine", five, label, rest),
        }
        for way, answer in ways.items():
            parts = found.setdefault(way, ([], [], []))
            parts[0].append(float((answer(five) == label).mean()))
            right = answer(tests) == truth
            parts[1].append(float(right[truth == label].mean()))
            parts[2].append(float(right[truth != label].mean()))
    print(
        f"torch {torch.__version__}; digits, {KEPT} examples of one class, each class in turn; one network of each way and class; 90 % intervals over classes"
    )
    print("| way | recall of the five | new examples of the class right | others right |\n|---|---|---|---|")
    for way, parts in found.items():
        print(f"| {way} | {' | '.join(str(over(each)) for each in parts)} |")
    base = found["in the weights"]
    for way, parts in found.items():
        if parts is not base:
            less = [Estimate.of_mean(np.subtract(*each), "class") for each in zip(parts, base, strict=True)]
            print(f"{way}, minus in the weights: new examples of the class {less[1]}, others {less[2]}")
    print(f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
