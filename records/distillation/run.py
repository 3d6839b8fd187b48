"""Does a student memorize the wrong labels of its teacher? Distillation: Hinton et al. 2015, arXiv:1503.02531.

python records/distillation/run.py        # needs scikit-learn, for the digits
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

import byrote
from byrote.controls import distill
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.digits import digits
from byrote.training.engine import Engine
from byrote.training.loop import packs

RUNS, EXAMPLES, EACH = 6, 600, 40


def spelled(values: list[float]) -> str:
    """Return the mean over runs with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} +- {half:.3f}"


def auc(known: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return how often an example that was trained on has the smaller loss."""
    return float(stats.mannwhitneyu(others, known).statistic / (len(known) * len(others)))


def main() -> None:
    torch.set_num_threads(1)
    train, test = digits()
    recipe = byrote.Recipe(epochs=40, batch_size=50, learning_rate=0.003)
    short = byrote.Task(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)),
        train[np.arange(EXAMPLES)],
        test,
        recipe,
    )
    population, rng = plant(short, Canaries.of_each(EACH), 0), np.random.default_rng(1)
    canary, wrong = population.split == "canary", population.canary == "mislabeled"
    member = np.tile(population.split == "train", (RUNS, 1))
    for row in member:
        for kind in np.unique(population.canary[canary]):
            at = np.flatnonzero(population.canary == kind)
            row[rng.permutation(at)[: len(at) // 2]] = True
    print(f"torch {torch.__version__}, {EXAMPLES} digits, {EACH} mislabeled canaries, half in each of {RUNS} runs")
    labels = torch.from_numpy(population.labels)
    for base in (short, replace(short, recipe=replace(recipe, epochs=100))):
        for task in (base, distill(0.5)(base), distill(1.0)(base)):
            seeds, nobody = list(range(RUNS)), np.zeros(0, np.int64)
            ((_, pack),) = packs(task.model, population, member, task.recipe, seeds, Engine(pack=RUNS), task.learned)
            for epoch in range(1, task.recipe.epochs + 1):
                pack.epoch(epoch, nobody)
            outputs = pack.outputs()
            right = (outputs.argmax(2) == labels).numpy()
            loss = np.array([nn.functional.cross_entropy(each, labels, reduction="none").numpy() for each in outputs])
            given = [float(right[run, wrong & member[run]].mean()) for run in seeds]
            told = [auc(loss[run, wrong & member[run]], loss[run, wrong & ~member[run]]) for run in seeds]
            tested = [float(right[run, population.split == "test"].mean()) for run in seeds]
            name = f"{task.recipe.epochs} epochs, {task.controls[0] if task.controls else 'plain'}"
            print(f"  {name}: wrong labels {spelled(given)}, AUC {spelled(told)}, test {spelled(tested)}", flush=True)


if __name__ == "__main__":
    main()
