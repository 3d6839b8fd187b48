"""The training loop: runs side by side, each from its own seed, to what every model says about all examples."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray
from torch import nn

from byrote.errors import InvalidData
from byrote.objectives import Classification, Objective
from byrote.probes import NO_QUESTIONS, Questions
from byrote.record import Population, Step
from byrote.task.recipe import Recipe
from byrote.training.batches import equally_long
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
    objective: Objective = Classification(),
    trained_model: Callable[[int, nn.Module], None] | None = None,
) -> Iterator[tuple[Step, ...]]:
    """Train one model per row of `members` and yield, epoch by epoch, what was observed of each run.

    All that is random in a run (initial weights, batch order, dropout) comes from its own seed. Runs share kernels, never
    a batch: the numbers of a run do not depend on who else is in the pack, up to rounding and, with dropout, the masks.
    The caller's random state and torch settings are left as they were. Clean passes are in fp32 whatever the engine's
    precision. Probes are computed on all examples, in a clean pass.

    `trained_model` is called with each run and its model when all is over.

    Raises ByroteError when a loss becomes NaN or infinite, InvalidData when a run has no member to train on.
    """
    if not members.any(axis=1).all():
        raise InvalidData("This run would be trained on no example at all. Use a larger fraction or more examples.")
    trained = list(packs(model, population, members, recipe, seeds, engine, objective))
    for epoch in range(1, recipe.epochs + 1):
        probes = questions.at(epoch, recipe.epochs)
        positions = np.arange(len(population)) if probes else evaluated(population, recipe, epoch)
        found: dict[int, Step] = {}
        for runs, pack in trained:
            found.update(zip(runs.tolist(), pack.epoch(epoch, positions, probes), strict=True))
        yield tuple(found[run] for run in range(len(seeds)))
    if trained_model is not None:
        for runs, pack in trained:
            for place, run in enumerate(runs.tolist()):
                trained_model(run, pack.networks.one(place))


def packs(
    model: Callable[[], nn.Module],
    population: Population,
    members: Bool[ndarray, "run example"],
    recipe: Recipe,
    seeds: Sequence[int],
    engine: Engine,
    objective: Objective,
) -> Iterator[tuple[NDArray[np.int64], Pack]]:
    """Yield the packs that these runs are trained in, each with the rows of `members` that are its runs, in its order."""
    tensors = to_tensors(population, objective, engine.device)
    for runs in equally_long(members.sum(axis=1), recipe.batch_size):
        own = [seeds[run] for run in runs]
        yield runs, Pack(model, population, objective, members[runs], recipe, own, engine, tensors)


def evaluated(population: Population, recipe: Recipe, epoch: int) -> Int[ndarray, " example"]:
    """Return the examples of the clean pass after this epoch: all at the end, test examples and canaries before."""
    if epoch == recipe.epochs:
        return np.arange(len(population))
    if recipe.evaluate_every and epoch % recipe.evaluate_every == 0:
        return np.flatnonzero(population.split != "train")
    return np.zeros(0, np.int64)
