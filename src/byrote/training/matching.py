"""Matching: is this the task that a record was made of?"""

from dataclasses import replace

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.controls import apply, parse_control
from byrote.errors import InvalidData, WrongRecord
from byrote.record import Population, Record, make_ids
from byrote.record.inputs import describe as describe_inputs
from byrote.record.inputs import is_one_real, kinds
from byrote.signature import parse_call
from byrote.task.canaries import Canaries, plant
from byrote.task.designs import Subsets
from byrote.task.fit import Fit
from byrote.task.recipe import Recipe
from byrote.task.taking import taken
from byrote.task.task import Task
from byrote.training.checks import check_model
from byrote.training.manifest import describe, examples_digest, layout_of, model_digest


def population_of(task: Task, record: Record) -> Population:
    """Return all examples, with their inputs as they were trained on; raise WrongRecord unless this is the record's task."""
    if isinstance(task.model, Fit):
        raise InvalidData(
            f"The task {task.name!r} learns by a byrote.Fit, so its runs cannot be trained again epoch by epoch."
        )
    manifest = record.manifest
    canaries, seed = Canaries(**parse_call(manifest["canaries"])[1]), int(manifest["seed"])
    population = plant(task, canaries, seed)
    digest = model_digest(check_model(task, population))
    own = describe(task, digest, population, Subsets(), canaries, seed, layout_of(task, population), "")
    for part, old, new in (
        *((name, manifest[name], own[name]) for name in ("recipe", "objective")),
        *((name, manifest["task"][name], own["task"][name]) for name in ("examples", "model", "classes")),
    ):
        if old != new:
            raise WrongRecord(
                f"{record.directory} was trained with another {part} than the task {task.name!r} has. Give the task of this record."
            )
    return population


def check_data(task: Task, record: Record) -> None:
    """Raise WrongRecord unless the examples are those of the record to the last bit: a file may have changed since."""
    kept = record.manifest.get("task", {}).get("examples")
    if kept is None:
        return
    canaries, seed = Canaries(**parse_call(record.manifest["canaries"])[1]), int(record.manifest["seed"])
    if examples_digest(plant(task, canaries, seed)) != kept:
        source = task.inferred.source if task.inferred and task.inferred.source else f"The task {task.name!r}"
        raise WrongRecord(
            f"{source} is not what {record.directory} was made of: its rows, labels or inputs changed since. Give the data as they were, or audit them anew."
        )


def check_classes(task: Task, what: str) -> None:
    """Raise InvalidData unless the task learns classes from one array of real-valued inputs, which `what` follows."""
    if task.learned.name != "classification":
        raise InvalidData(
            f"{what} is for classification, and the task {task.name!r} learns {task.learned.name}. Give a task with class labels."
        )
    if not is_one_real(task.train.inputs):
        raise InvalidData(
            f"{what} follows gradients to one array of real-valued inputs, and the task {task.name!r} has {describe_inputs(kinds(task.train.inputs))}."
        )


def as_recorded(task: Task, record: Record) -> Task:
    """Return the task with the record's recipe and objective, and with the part of the training examples that was taken for it.

    A controller of the user's own cannot be read back: then the task's must be spelled alike. Raises WrongRecord when it is not.
    """
    part = record.manifest.get("take")
    if part is not None and len(task.train) > part:
        task = taken(task, part, int(record.manifest["seed"]))
    task = replace(task, objective=record.objective)
    there = tuple(record.manifest.get("controls", ()))
    if there != task.controls:
        if task.controls:
            raise WrongRecord(
                f"{record.directory} was trained with {' and '.join(there) or 'no controls'}, and the task has {' and '.join(task.controls)}. Give the task without its controls."
            )
        task = apply([parse_control(text) for text in there], task)
    if not record.manifest.get("recipe") or isinstance(task.model, Fit):
        return task
    if record.manifest["recipe"] == task.recipe.values():
        return task
    return replace(task, recipe=Recipe.parse(record.manifest["recipe"]))


def check_same(task: Task, record: Record) -> Int[ndarray, " candidate"]:
    """Return where the real training examples of the record are in the task; raise WrongRecord when it is of another."""
    population = record.population
    train = np.flatnonzero(population.where("train"))
    tests = make_ids("test", () if task.test is None else task.test.ids)
    if len(np.setdiff1d(population.ids[population.where("test")], tests)):
        raise WrongRecord(
            f"{record.directory} has test examples that the task {task.name!r} lacks. Give the record of this task."
        )
    found = to_task(task, record, train)
    differ = task.train.labels[found] != population.labels[train]
    differ = differ.any(axis=tuple(range(1, differ.ndim)))
    if differ.any():
        name = population.ids[train[np.argmax(differ)]]
        raise WrongRecord(
            f"{record.directory} has another label for {differ.sum()} examples than the task, the first {str(name)!r}. Give the record of this task."
        )
    return np.sort(found)


def to_task(task: Task, record: Record, positions: Int[ndarray, " rank"]) -> Int[ndarray, " rank"]:
    """Return where these training examples of the record are in the task's training set; raise WrongRecord if one is not."""
    home = {name: at for at, name in enumerate(make_ids("train", task.train.ids).tolist())}
    names = [str(name) for name in record.population.ids[positions]]
    absent = [name for name in names if name not in home]
    if absent:
        raise WrongRecord(
            f"{record.directory} has {len(absent)} training examples that the task {task.name!r} lacks, the first {absent[0]!r}. Give the record of this task."
        )
    return np.array([home[name] for name in names], np.int64)
