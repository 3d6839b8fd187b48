"""Matching: is this the task that a record was made of?"""

from dataclasses import replace

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData, WrongRecord
from byrote.record import Population, Record
from byrote.record.ids import make_id, make_ids
from byrote.signature import parse_call
from byrote.task.canaries import Canaries, plant
from byrote.task.designs import Subsets
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.checks import check_model
from byrote.training.manifest import describe, model_digest


def population_of(task: Task, record: Record) -> Population:
    """Return everyone, with their inputs as they were trained on; raise WrongRecord unless this is the record's task."""
    if isinstance(task.model, Fit):
        raise InvalidData(
            f"The task {task.name!r} learns by a byrote.Fit, so its runs cannot be trained again epoch by epoch."
        )
    manifest = record.manifest
    canaries, seed = Canaries(**parse_call(manifest["canaries"])[1]), int(manifest["seed"])
    population = plant(task, canaries, seed)
    digest = model_digest(check_model(task.model, population, len(task.classes)))
    asked = describe(task, digest, population, Subsets(), canaries, seed, "")
    for part, old, new in (
        ("recipe", manifest["recipe"], asked["recipe"]),
        *((name, manifest["task"][name], asked["task"][name]) for name in ("examples", "model", "classes")),
    ):
        if old != new:
            raise WrongRecord(
                f"{record.directory} was trained with another {part} than the task {task.name!r} has. Give the task of this record."
            )
    return population


def as_recorded(task: Task, record: Record) -> Task:
    """Return the task with as many epochs as the record was collected with."""
    steps = record.manifest["steps"]
    if steps.get("unit") != "epoch":
        return task
    return replace(task, recipe=replace(task.recipe, epochs=int(steps["last"])))


def check_same(task: Task, record: Record) -> Int[ndarray, " candidate"]:
    """Return where the real training examples of the record are in the task; raise WrongRecord when it is of another."""
    population = record.population
    train = np.flatnonzero(population.where("train"))
    if len(np.setdiff1d(population.ids[population.where("test")], make_ids("test", task.test.ids))):
        raise WrongRecord(
            f"{record.directory} has test examples that the task {task.name!r} lacks. Give the record of this task."
        )
    found = to_task(task, record, train)
    differ = task.train.labels[found] != population.labels[train]
    if differ.any():
        name = population.ids[train[np.argmax(differ)]]
        raise WrongRecord(
            f"{record.directory} has another label for {differ.sum()} examples than the task, the first {str(name)!r}. Give the record of this task."
        )
    return np.sort(found)


def to_task(task: Task, record: Record, positions: Int[ndarray, " rank"]) -> Int[ndarray, " rank"]:
    """Return where these training examples of the record are in the task's training set; raise WrongRecord if one is not."""
    home = {make_id("train", name): at for at, name in enumerate(task.train.ids)}
    names = [str(name) for name in record.population.ids[positions]]
    absent = [name for name in names if name not in home]
    if absent:
        raise WrongRecord(
            f"{record.directory} has {len(absent)} training examples that the task {task.name!r} lacks, the first {absent[0]!r}. Give the record of this task."
        )
    return np.array([home[name] for name in names], np.int64)
