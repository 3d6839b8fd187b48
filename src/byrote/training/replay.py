"""Checkpoints of one run: weights are not in a record, but a run can be trained again from its seed."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from torch import nn

from byrote.arrays import checked
from byrote.errors import InvalidData, MissingEvidence
from byrote.record import Population, Record
from byrote.task.fit import Fit
from byrote.task.schedule import at
from byrote.task.signals import Signals
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.checks import check_device
from byrote.training.engine import Engine
from byrote.training.hardware import one_thread
from byrote.training.job import run_seed
from byrote.training.loop import evaluated, packs
from byrote.training.matching import population_of


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model of its own after `epoch` epochs (0: before training), and the learning rate halfway through that epoch."""

    epoch: int
    model: nn.Module
    learning_rate: float


@checked
def checkpoints(
    task: Task,
    population: Population,
    member: Bool[ndarray, " example"],
    seed: int,
    *,
    epochs: Sequence[int] | None = None,
    engine: Engine | None = None,
) -> Iterator[Checkpoint]:
    """Train one model on `member` of the population, all from `seed`, and yield it after each of `epochs`, in order.

    By default after every epoch, the untrained model first. It is trained to the last of them and no further, as
    `byrote.training.loop` trains a run by itself, with one thread; the learning rate follows the whole recipe. Raises
    InvalidData for epochs that the recipe does not have, and for a task that learns by a Fit.
    """
    wanted = _check(task, epochs)
    yield from _trained(task, population, member[None], [seed], 0, engine or Engine(), wanted)


def replay(
    task: Task, record: Record, run: int, *, epochs: Sequence[int] | None = None, device: str | None = None
) -> Iterator[Checkpoint]:
    """Train one run of a record again, as it was trained, and yield its model after each of `epochs`, in order.

    It is the very model that the record speaks of: the same members, weights and batches, together with the runs that it was
    packed with. Its bits are the same too, where the machine, the versions and the number of threads are (a collection
    trains with one); elsewhere it differs by rounding, which training may enlarge. Raises WrongRecord when the task is
    not the record's, MissingEvidence for a run that is not there or that byrote has not trained, and what `checkpoints`
    raises.
    """
    wanted = _check(task, epochs)
    if run not in record.runs:
        raise MissingEvidence(
            f"{record.directory} has no finished run {run}. Name one of its runs, {_ends(record.runs)}."
        )
    settings = record.run_settings(run)
    if "pack" not in settings:
        raise MissingEvidence(
            f"Run {run} of {record.directory} was not trained by byrote, or by an older version, so it cannot be trained again. Give checkpoints of your own."
        )
    population = population_of(task, record)
    check_device(device or settings["device"])
    engine = Engine(device or settings["device"], settings["precision"], settings["matmul"])
    together = [other for other in settings["pack"] if other in record.runs or other == run]
    if len(together) < len(settings["pack"]):
        raise MissingEvidence(
            f"Run {run} was trained in a pack with runs {settings['pack']}, and not all of these are in {record.directory}. Take another run."
        )
    members = np.stack([record.member(other) for other in together])
    seeds = [run_seed(int(record.manifest["seed"]), place) for place in together]
    yield from _trained(task, population, members, seeds, together.index(run), engine, wanted)


def _trained(
    task: Task,
    population: Population,
    members: Bool[ndarray, "run example"],
    seeds: Sequence[int],
    run: int,
    engine: Engine,
    epochs: Sequence[int],
) -> Iterator[Checkpoint]:
    """Train the pack that this run is in, and yield the run's model after each of the epochs."""
    recipe, none = task.recipe, np.zeros(0, np.int64)
    with one_thread():
        every = packs(_model(task), population, members, recipe, seeds, engine, task.learned)
        place, pack = next((int(np.flatnonzero(runs == run)[0]), pack) for runs, pack in every if run in runs)
    for epoch in range(max(epochs) + 1):
        if epoch:
            with one_thread():
                pack.epoch(epoch, evaluated(population, recipe, epoch) if recipe.controlled else none)
        if epoch in epochs:
            signals = Signals(max(0.0, epoch - 0.5) / recipe.epochs, max(epoch, 1), 0, pack.readings[place])
            model = copy.deepcopy(pack.networks.one(place)).eval()
            yield Checkpoint(epoch, model, at(recipe.learning_rate, signals))


def _model(task: Task) -> Any:
    return learner(task)


def _check(task: Task, epochs: Sequence[int] | None) -> Sequence[int]:
    """Return the epochs; raise InvalidData for those that the recipe does not have, and for a Fit."""
    if isinstance(task.model, Fit):
        raise InvalidData(
            "A byrote.Fit trains in its own way, so its epochs cannot be had. Give a task with a torch model and a recipe."
        )
    wanted = list(range(task.recipe.epochs + 1)) if epochs is None else sorted(set(epochs))
    if not wanted or wanted[0] < 0 or wanted[-1] > task.recipe.epochs:
        raise InvalidData(
            f"Checkpoints were asked for after epochs {wanted}, and the recipe has {task.recipe.epochs}. Name some from 0 to {task.recipe.epochs}."
        )
    return wanted


def _ends(runs: Sequence[int]) -> str:
    return f"{runs[0]} to {runs[-1]}" if runs else "once there are some"
