"""One training for an experiment, epoch by epoch, without a record."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.experiments.reproductions.experiment import Bench
from byrote.record import Step
from byrote.task.canaries import Canaries, plant
from byrote.task.task import Task
from byrote.training.engine import Engine
from byrote.training.loop import train


def epochs_of(
    task: Task, bench: Bench, seeds: Sequence[int], members: Bool[ndarray, "run example"] | None = None
) -> Iterator[tuple[Step, ...]]:
    """Train a model from each seed and yield what was observed after each epoch: training examples first, then test ones.

    All are trained on all training examples, or each on its row of `members`, which is over training examples only.
    """
    population = plant(task, Canaries(), 0)
    trained = np.zeros((len(seeds), len(population)), np.bool_)
    trained[:, population.where("train")] = True if members is None else members
    engine = Engine(bench.device, pack=len(seeds))
    rows = train(cast("Any", task.model), population, trained, task.recipe, seeds, engine, objective=task.learned)
    for epoch, steps in enumerate(rows, start=1):
        yield steps
        bench.tick(epoch / task.recipe.epochs)


def last_right(task: Task, bench: Bench, seed: int) -> tuple[Bool[ndarray, " train"], Bool[ndarray, " test"]]:
    """Train one model; return which training examples, and which test examples, it predicts correctly at the end."""
    *_, (last,) = epochs_of(task, bench, [seed])
    right = cast("Any", last.clean).values["correct"]
    return right[: len(task.train)], right[len(task.train) :]
