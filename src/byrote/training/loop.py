"""The training loop: runs side by side, each from its own seed, to what every model said about everyone."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from torch import nn

from byrote.errors import InvalidData
from byrote.probes import NO_QUESTIONS, Questions
from byrote.record import Population, Step
from byrote.task.recipe import Recipe
from byrote.training.batches import side_by_side
from byrote.training.engine import Engine
from byrote.training.pack import Pack
from byrote.training.tensors import to_tensors


def train(
    model: Callable[[], nn.Module],
    population: Population,
    members: Bool[ndarray, "run example"],
    recipe: Recipe,
    seeds: Sequence[int],
    engine: Engine,
    questions: Questions = NO_QUESTIONS,
) -> Iterator[tuple[Step, ...]]:
    """Train one model per row of `members` and yield, epoch by epoch, what was seen of each run.

    All that is random in a run (initial weights, batch order, dropout) comes from its own seed. Runs share kernels, never
    a batch: the numbers of a run do not depend on who else is in the pack, up to rounding and, with dropout, the masks.
    The caller's random state and torch settings are left as they were. Clean passes are in fp32 whatever the engine's
    precision. `questions` are asked of everyone, in a clean pass.

    Raises ByroteError when a loss becomes NaN or infinite, InvalidData when a run has no member to train on.
    """
    if not members.any(axis=1).all():
        raise InvalidData("This run would be trained on no example at all. Use a larger fraction or more examples.")
    inputs, labels = to_tensors(population, engine.device)
    parts = side_by_side(members.sum(axis=1), recipe.batch_size)
    trained = [
        Pack(model, inputs, labels, members[runs], recipe, [seeds[run] for run in runs], engine) for runs in parts
    ]
    for step in range(1, recipe.epochs + 1):
        probes = questions.at(step, recipe.epochs)
        asked = np.arange(len(population)) if probes else _asked(population, recipe, step)
        found: dict[int, Step] = {}
        for runs, pack in zip(parts, trained, strict=True):
            found.update(zip(runs.tolist(), pack.epoch(step, asked, probes), strict=True))
        yield tuple(found[run] for run in range(len(seeds)))


def _asked(population: Population, recipe: Recipe, step: int) -> Int[ndarray, " example"]:
    """Return who is asked in a clean pass after this step: everyone at the end, test examples and canaries before."""
    if step == recipe.epochs:
        return np.arange(len(population))
    if recipe.evaluate_every and step % recipe.evaluate_every == 0:
        return np.flatnonzero(population.split != "train")
    return np.zeros(0, np.int64)
