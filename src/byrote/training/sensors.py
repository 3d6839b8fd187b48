"""Sensors: what the canaries that a controller may look at say of each run."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.objectives import Objective
from byrote.record import Observed, Population

ABOUT = ("learning_rate", "weight_decay", "weight_norm")
"""What is recorded of every step of every run: knobs at its last update, and the norm of the weights after it."""


def is_sensor(population: Population) -> Bool[ndarray, " example"]:
    """Return which examples a controller may look at: canaries that do not verify."""
    return (population.split == "canary") & ~population.verification


def scalar_names(population: Population, objective: Objective) -> tuple[str, ...]:
    """Return the names of all numbers that are recorded of every step of a run that byrote trains."""
    if not is_sensor(population).any():
        return ABOUT
    return (*ABOUT, *(f"canary_{name}_{side}" for name in _read(objective) for side in ("in", "out")))


def sensor_means(
    observed: Observed, sensors: Bool[ndarray, " example"], member: Bool[ndarray, " example"], objective: Objective
) -> Mapping[str, float]:
    """Return the mean loss and outcome over sensors that the run trains on, and over the others, from one clean pass."""
    found: dict[str, float] = {}
    for side, mask in (("in", sensors & member), ("out", sensors & ~member)):
        here = mask[observed.positions]
        if here.any():
            for name in _read(objective):
                found[f"{name}_{side}"] = float(np.mean(observed.values[name][here], dtype=np.float64))
    return found


def _read(objective: Objective) -> tuple[str, str]:
    return ("loss", objective.outcome)
