"""How long an experiment of many arms will take, estimated before it starts: from runs that are there, or from a few epochs."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from byrote.record import Record, finished_runs
from byrote.record.storage import Place
from byrote.task.canaries import Canaries
from byrote.task.designs import Design, Subsets
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.progress import Progress

EPOCHS = 3
"""Epochs that are trained to estimate how long a run takes. The first is left out where there are more: it is slower."""


@dataclass(frozen=True)
class Durations:
    """About how long one run takes on one process, in seconds, and what an arm of any number of runs takes beside its runs."""

    run: float
    arm: float


def durations(
    task: Task,
    known: Sequence[Place],
    canaries: Canaries,
    seed: int,
    compute: Compute,
    *,
    together: int = 1,
    design: Design | None = None,
) -> Durations | None:
    """Return how long runs take when an arm has `together` of them, which may be trained side by side.

    It is the median over finished runs of the `known` records if there are any. Else EPOCHS of so many runs are trained in a
    directory that is deleted then, and the time is scaled to all epochs. None for a Fit, which has no epochs.
    """
    seconds = [each for where in known if finished_runs(where) for each in Record(where).seconds().values()]
    if seconds:
        return Durations(median(seconds), 0.0)
    if isinstance(task.model, Fit):
        return None
    epochs = min(EPOCHS, task.recipe.epochs)
    moments: dict[int, float] = {}

    def watch(now: Progress) -> None:
        moments.setdefault(now.steps, time.monotonic())

    short = replace(task, recipe=replace(task.recipe, epochs=epochs))
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="byrote-") as folder:
        collect(
            short, folder, runs=together, design=design or Subsets(), canaries=canaries, seed=seed, progress=watch,
            compute=replace(compute, workers=1, executor=None),
        )  # fmt: skip
    whole = time.monotonic() - begin
    first = min((steps for steps in moments if steps), default=0)
    last = max(moments, default=0)
    if last <= first:  # nothing was seen between the first epoch and the last
        return Durations(whole / together / epochs * task.recipe.epochs, 0.0)
    epoch = (moments[last] - moments[first]) / (last - first)
    return Durations(epoch * task.recipe.epochs, max(whole - epoch * epochs * together, 0.0))
