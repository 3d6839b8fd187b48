"""Held: train a model while memorization is held at a target, and say what canaries that the controller never read found."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.controls import hold
from byrote.controls.supervisor import Event, forecast, judge
from byrote.controls.thermostat import thermostat
from byrote.errors import InvalidData, MissingEvidence
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import of_difference, student, wilson
from byrote.task.canaries import Canaries
from byrote.task.designs import Everything
from byrote.task.signals import Reading
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.progress import Progress

SENSORS = 0.08
"""Canaries of the kind that is held, as a share of the training examples: half verifies, and half of each half is trained on."""

LEAST_PLANTED = 80
"""At least so many, as far as a fifth of the training examples allows: 20 of them are then read in, and 20 out."""

MOST = 2000
"""More canaries than these make the measured value little more certain."""

FEW = 5.0
"""Sums of probabilities below this are too small for an interval from their spread."""

LEVEL = 0.9

LATE = 10
"""Epochs at the end over which "held" is averaged, as the pilot of the method was."""


@dataclass(frozen=True, eq=False)
class Course:
    """What happened in one run, epoch by epoch: NaN where it was not measured.

    `sensed` is the memorization of the canaries that the controller reads (mean probability of the label, in minus out),
    `verified` that of those that it never reads, `knob` the knob at the last update of the epoch, `test` the accuracy on tests.
    `final` and `late` are what the verification canaries say at the end and over the last ten epochs; intervals are over these.
    """

    run: int
    sensed: Float[ndarray, " epoch"]
    verified: Float[ndarray, " epoch"]
    knob: Float[ndarray, " epoch"]
    test: Float[ndarray, " epoch"]
    final: Estimate
    late: Estimate
    events: tuple[Event, ...]
    forecast: float


@dataclass(frozen=True, eq=False)
class Held:
    """Runs under a thermostat, and their accuracy on test examples at the end, over runs."""

    record: Record
    control: thermostat
    courses: tuple[Course, ...]
    accuracy: Estimate


def train(
    task: Task,
    directory: Path | str,
    control: thermostat,
    *,
    runs: int = 1,
    canaries: Canaries | None = None,
    seed: int = 0,
    compute: Compute = Compute(),
    source: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> Held:
    """Train on all examples of the task while the thermostat holds memorization, keep the weights, and verify.

    By default, 8 % of the training examples are canaries of the kind that is read: half of them verifies, and one half of each is
    trained on, at random. Wrong labels of 4 % of the training examples cost some accuracy: report it, or plant
    fewer and know memorization less well. Weights are in `directory/models`, see `byrote.read_model`. Raises InvalidData
    where the thermostat cannot act.
    """
    changed = control(task)
    planted = canaries or sensor_canaries(task, control.kind)
    record = collect(
        changed, directory, runs=runs, design=Everything(), canaries=planted, seed=seed, compute=compute,
        source=source, keep_models=True, progress=progress,
    )  # fmt: skip
    return held(record, control, changed)


def sensor_canaries(task: Task, kind: str) -> Canaries:
    """Return the canaries to plant for a thermostat that reads this kind, and some ordinary ones to compare with."""
    count = min(MOST, max(round(SENSORS * len(task.train)), LEAST_PLANTED), round(0.19 * len(task.train)))
    few = min(round(count / 8), round(0.2 * len(task.train)) - count)
    if kind == "ordinary":
        return Canaries(ordinary=count)
    return replace(Canaries(ordinary=few), **{kind: count})


def held(record: Record, control: thermostat, task: Task) -> Held:
    """Return what a record of a thermostat shows; raise MissingEvidence when it has no verification canaries of the kind."""
    population = record.population
    of_kind = population.canary == control.kind
    if not (of_kind & population.verification).any():
        raise MissingEvidence(f"{record.directory} has no {control.kind} canaries that verify, so nothing is known.")
    knobs = [method for method in task.recipe.methods if method.name == control.knob]
    controller = knobs[0].strength if knobs else task.recipe.weight_decay
    if not isinstance(controller, hold):
        raise InvalidData(f"The {control.knob} of this task is {controller}, no controller of a thermostat.")
    courses = tuple(_course(record, run, control, controller) for run in record.runs)
    accuracy = Estimate.of_mean(np.array([course.test[-1] for course in courses]), "run")
    return Held(record, control, courses, accuracy)


def _course(record: Record, run: int, control: thermostat, controller: hold) -> Course:
    population, member = record.population, record.member(run)
    verifies = population.verification & (population.canary == control.kind)
    confidence = record.over_steps(run, "confidence")
    tests = population.where("test")
    verified = np.array([_difference(values, verifies, member) for values in confidence])
    test = np.array([_mean(values[tests]) for values in record.over_steps(run, record.objective.outcome)])
    sides = [record.scalar(run, f"canary_{control.kind}/confidence_{side}") for side in ("in", "out")]
    knob = record.scalar(run, control.knob)
    readings = _readings(record, run, control.kind)
    late = np.nanmean(confidence[-LATE:], axis=0)
    final = difference(confidence[-1], verifies, member)
    events = judge(controller, readings, knob, _losses(record, run), verified, (final.low, final.high))
    return Course(
        run, sides[0] - sides[1], verified, knob, test, final, difference(late, verifies, member),
        events, forecast(sides[0] - sides[1]),
    )  # fmt: skip


def _readings(record: Record, run: int, kind: str) -> tuple[Reading, ...]:
    """Return the readings at the ends of epochs, as far as the record has them."""
    population, member = record.population, record.member(run)
    mine = (population.canary == kind) & ~population.verification
    counts = {f"{kind}/in": int((mine & member).sum()), f"{kind}/out": int((mine & ~member).sum())}
    sides = [record.scalar(run, f"canary_{kind}/confidence_{side}") for side in ("in", "out")]
    return tuple(
        Reading(epoch, {f"{kind}/confidence_in": inside, f"{kind}/confidence_out": outside}, counts)
        for epoch, (inside, outside) in enumerate(zip(*sides, strict=True), 1)
    )


def _losses(record: Record, run: int) -> NDArray[np.float64]:
    return np.array([float(np.nanmean(losses)) for losses in record.over_steps(run, "loss_seen")])


def difference(values: NDArray[Any], which: Bool[ndarray, " example"], member: Bool[ndarray, " example"]) -> Estimate:
    """Return the mean probability of these canaries in the training set minus that of the others, with a 90 % interval.

    Each mean has Student's interval, or Wilson's where the probabilities add up to less than FEW (or to FEW less than all):
    there a spread of 0 means nothing. They are put together as Newcombe does. In simulations with 30 to 150 canaries it held the
    truth in 85 to 100 % of draws, in too many where probabilities are near 0 or 1 without being 0 or 1.
    """
    sides = [values[which & member].astype(np.float64), values[which & ~member].astype(np.float64)]
    n = sum(map(len, sides))
    if min(map(len, sides)) < 2:
        return Estimate.undefined("canary", n=n)
    inside, outside = map(_side, sides)
    low, high = of_difference(inside, outside)
    return Estimate(inside[0] - outside[0], float(low), float(high), n, "canary")


def _side(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean of probabilities and the ends of its interval."""
    n, total = len(values), float(values.sum())
    low, high = student(total / n, values.var(ddof=1), n, level=LEVEL)
    if min(total, n - total) < FEW:
        other = wilson(total, n, level=LEVEL)
        low, high = min(low, other[0]), max(high, other[1])
    return total / n, float(low), float(high)


def _difference(values: NDArray[Any], which: NDArray[np.bool_], member: NDArray[np.bool_]) -> float:
    return _mean(values[which & member]) - _mean(values[which & ~member])


def _mean(values: Sequence[Any] | NDArray[Any]) -> float:
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else math.nan
