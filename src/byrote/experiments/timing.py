"""How long a comparison will take, estimated before it starts: from runs that are there, or from the first epochs of one."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from byrote.record import Record, finished_runs
from byrote.record.storage import Place
from byrote.task.canaries import Canaries
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.progress import Progress

EPOCHS = 3
"""Epochs that are trained to estimate how long a run takes. The first is left out: it is slower."""


def run_seconds(task: Task, known: Sequence[Place], canaries: Canaries, seed: int, compute: Compute) -> float | None:
    """Return about how long one run takes, in seconds on one process.

    It is the median over finished runs of these records if there are any. Else EPOCHS of one run are trained in a directory
    that is deleted then, and the time is scaled to all epochs. None where that cannot be done: for a Fit, and a run of few
    epochs.
    """
    seconds = [each for where in known if finished_runs(where) for each in Record(where).seconds().values()]
    if seconds:
        return median(seconds)
    if isinstance(task.model, Fit) or task.recipe.epochs <= EPOCHS:
        return None
    moments: dict[int, float] = {}

    def watch(now: Progress) -> None:
        moments.setdefault(now.steps, time.monotonic())

    short = replace(task, recipe=replace(task.recipe, epochs=EPOCHS))
    alone = replace(compute, workers=1, executor=None)
    with tempfile.TemporaryDirectory(prefix="byrote-") as folder:
        collect(short, folder, runs=1, canaries=canaries, seed=seed, compute=alone, progress=watch)
    if not {1, EPOCHS} <= set(moments):
        return None
    return (moments[EPOCHS] - moments[1]) / (EPOCHS - 1) * task.recipe.epochs
