"""How many labels a small network can hold by rote, and whether the forecast says where a recall floor stops to hold.

`python records/label_capacity/run.py` trains about 70 small networks: ten minutes on one core. Pictures are those of `fashion`.

1. Capacity: all labels are random. The number of examples grows until they no longer fit. Bits per parameter: those of the
   largest training set whose recall is .99 or more, over the number of parameters.
2. Forecast: real labels, and a wanted list of examples with random wrong labels, which grows. Where does the floor of .99
   stop to hold, and what was forecast?
"""

import math
import shutil
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from byrote.controls import relabel, wanted
from byrote.lm.bits import trainable_parameters
from byrote.summaries import bits_memorized
from byrote.task.designs import Everything
from byrote.task.examples import Examples
from byrote.task.loading import load_task
from byrote.task.models import cnn, mlp
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

CLASSES, FLOOR, SEEDS = 10, 0.99, 2
MODELS = {
    "mlp, width 4": partial(mlp, (28, 28), CLASSES, width=4),
    "mlp, width 8": partial(mlp, (28, 28), CLASSES, width=8),
    "cnn, width 1": partial(cnn, (28, 28), CLASSES, width=1),
    "cnn, width 2": partial(cnn, (28, 28), CLASSES, width=2),
}
LOADS = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5)
"""Bits of the labels over the parameters."""

RECIPE = Recipe(epochs=400, batch_size=64, optimizer="adamw", learning_rate=linear(0.005), evaluate_every=0)


def recall_of(task: Task, folder: Path) -> tuple[list[float], list[float]]:
    """Return the recall of all training examples and the bits that are stored, run by run."""
    record = collect(
        task, folder, runs=SEEDS, design=Everything(), compute=Compute(workers=1), progress=lambda now: None
    )
    train = record.population.where("train")
    right = [float(record.at_step(run, "correct", record.last_step)[train].mean()) for run in record.runs]
    losses = [record.at_step(run, "loss", record.last_step)[train] for run in record.runs]
    return right, [bits_memorized(loss, classes=CLASSES).value for loss in losses]


def capacity(folder: Path) -> None:
    pictures = load_task("fashion").train.inputs
    rng = np.random.default_rng(0)
    order, labels = rng.permutation(len(pictures)), rng.integers(0, CLASSES, len(pictures))
    for name, make in MODELS.items():
        parameters = trainable_parameters(make())
        fits, most = 0.0, 0.0
        for load in LOADS:
            which = order[: round(load * parameters / math.log2(CLASSES))]
            task = Task(make, Examples(pictures[which], labels[which]), recipe=RECIPE, classes=tuple("0123456789"))
            right, bits = recall_of(task, folder / f"{name}{load}".replace(" ", "_"))
            stored = max(bits) / parameters
            most = max(most, stored)
            if np.mean(right) >= FLOOR:
                fits = load
            print(f"{name} | {parameters} | {len(which)} | {load} | {np.mean(right):.3f} | {stored:.2f}", flush=True)
            if np.mean(right) < 0.6:
                break
        print(f"-> {name}: recall .99 up to {fits} bits per parameter; most stored {most:.2f}", flush=True)


def forecast(folder: Path) -> None:
    from byrote.experiments.label_capacity import forecast_labels

    base = load_task("fashion")
    rng = np.random.default_rng(1)
    order = rng.permutation(len(base.train))
    for name in ("cnn, width 1", "cnn, width 2"):
        recipe = replace(RECIPE, epochs=100)
        task = replace(base, model=MODELS[name], recipe=recipe, test=None)
        for count in (100, 300, 600, 1200):
            ids = base.train.ids[order[:count]]
            truth = base.train.labels[order[:count]]
            wrong = dict(zip(ids.tolist(), ((truth + rng.integers(1, CLASSES, count)) % CLASSES).tolist(), strict=True))
            changed = relabel(wrong)(task)
            bits = forecast_labels(changed, count)
            record = collect(
                wanted(ids, FLOOR)(changed), folder / f"list{name}{count}".replace(" ", "_"), runs=SEEDS, design=Everything(),
                compute=Compute(workers=1), progress=lambda now: None,
            )  # fmt: skip
            recall = [float(record.scalar(run, "wanted_recall")[-1]) for run in record.runs]
            train = record.population.where("train")
            others = np.mean([record.at_step(run, "correct", record.last_step)[train].mean() for run in record.runs])
            print(f"{name} | {count} | {bits.times:.2f} | {np.mean(recall):.3f} | {others:.3f}", flush=True)


if __name__ == "__main__":
    where = Path(tempfile.mkdtemp())
    try:
        for part in sys.argv[1:] or ("capacity", "forecast"):
            {"capacity": capacity, "forecast": forecast}[part](where)
    finally:
        shutil.rmtree(where)
