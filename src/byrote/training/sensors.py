"""Sensors: what the canaries that a controller may look at say of each run."""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.objectives import Objective
from byrote.record import Observed, Population
from byrote.task.methods import ExampleRule
from byrote.task.recipe import Recipe

ABOUT = ("learning_rate", "weight_decay", "weight_norm")
"""What is recorded of every step of every run: knobs at its last update, and the norm of the weights after it."""


LEAST = 20
"""Fewer sensors of a kind than these are too few to control by: about half of them are in the training set."""


def is_sensor(population: Population) -> Bool[ndarray, " example"]:
    """Return which examples a controller may look at: canaries that do not verify."""
    return (population.split == "canary") & ~population.verification


def check_sensors(recipe: Recipe, population: Population) -> None:
    """Raise InvalidData when a controller needs canaries of a kind of which fewer than LEAST are sensors."""
    sensors = is_sensor(population)
    for name, knob in recipe.knobs.items():
        kind = getattr(knob, "needs", None)
        if kind is None:
            continue
        there = int((sensors & (population.canary == kind)).sum())
        if there < LEAST:
            raise InvalidData(
                f"{name}={knob} reads {kind} canaries, and {there} of those that are planted are for a controller (the other half "
                f"verifies). Plant {2 * LEAST} or more, as in canaries {kind}={2 * LEAST}; with 200 the measured value has a standard error of about .06."
            )


def scalar_names(population: Population, objective: Objective, recipe: Recipe) -> tuple[str, ...]:
    """Return the names of all numbers that are recorded of every step of a run that byrote trains."""
    rules = [method.name for method in recipe.methods if isinstance(method, ExampleRule)]
    own = (f"{name}_{what}" for name in rules for what in ("recall", "ended"))
    about = (*ABOUT, *(method.name for method in recipe.methods), *own)
    if not is_sensor(population).any():
        return about
    names = _read(objective) if recipe.controlled else ("loss", objective.outcome)
    kinds = _kinds(population, is_sensor(population)) if recipe.controlled else []
    return (*about, *(f"canary_{of}{name}_{side}" for of in ("", *kinds) for name in names for side in ("in", "out")))


def sensor_counts(
    population: Population, sensors: Bool[ndarray, " example"], member: Bool[ndarray, " example"]
) -> dict[str, int]:
    """Return how many sensors a run is trained on and how many not: `in`, `out`, and of each kind `KIND/in`, `KIND/out`."""
    return {f"{of}{side}": int(mask.sum()) for of, side, mask in _sides(population, sensors, member)}


def sensor_means(
    observed: Observed,
    population: Population,
    sensors: Bool[ndarray, " example"],
    member: Bool[ndarray, " example"],
    objective: Objective,
) -> Mapping[str, float]:
    """Return means over the sensors that the run trains on, and over the others, from one clean pass; see `byrote.Signals`."""
    found: dict[str, float] = {}
    for of, side, mask in _sides(population, sensors, member):
        here = mask[observed.positions]
        if here.any():
            for name in _read(objective):
                found[f"{of}{name}_{side}"] = float(np.mean(observed.values[name][here], dtype=np.float64))
    return found


def _sides(
    population: Population, sensors: Bool[ndarray, " example"], member: Bool[ndarray, " example"]
) -> Iterator[tuple[str, str, Bool[ndarray, " example"]]]:
    """Yield the sensors that are in and out, of all kinds together and then of each kind: the kind's prefix, side, mask."""
    kinds = _kinds(population, sensors)
    for of, those in (("", sensors), *((kind, sensors & (population.canary == kind[:-1])) for kind in kinds)):
        yield of, "in", those & member
        yield of, "out", those & ~member


def _kinds(population: Population, sensors: Bool[ndarray, " example"]) -> list[str]:
    return [f"{kind}/" for kind in np.unique(population.canary[sensors]).tolist()]


def _read(objective: Objective) -> tuple[str, ...]:
    """Return which columns are read of sensors: the loss, the outcome, and how sure the model is where the objective says it."""
    soft = ("confidence",) if "confidence" in objective.columns() else ()
    return ("loss", objective.outcome, *soft)
