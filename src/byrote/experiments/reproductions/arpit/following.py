"""What figures 7 to 9 of Arpit et al. need of one training: accuracies, and critical sample ratios on the way."""

from collections.abc import Sequence

import numpy as np
import torch

from byrote.experiments.reproductions.experiment import Bench, Found
from byrote.experiments.reproductions.networks import network
from byrote.locate import checkpoints
from byrote.probes import ask, critical
from byrote.summaries import critical_sample_ratio
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.engine import Engine

EPOCHS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80)
"""After which training is looked at, of 80; of other lengths the same shares."""


def epochs_of(total: int) -> tuple[int, ...]:
    """Return the epochs after which a training of this length is looked at."""
    return tuple(sorted({max(1, round(epoch * total / EPOCHS[-1])) for epoch in EPOCHS}))


def follow(
    train: Examples, test: Examples, bench: Bench, *, network_name: str, epochs: int, rate: float, batch: int,
    asked: int, at: Sequence[int], searches: Sequence[tuple[float, str]], iterations: int, seed: int,
) -> Found:  # fmt: skip
    """Return accuracies on training examples and on two halves of the test examples, and critical sample ratios.

    `searches` are pairs of a scale (the size of a pixel unit) and `train` or `test`; each gives a ratio on `asked`
    examples after each epoch of `at`.
    """
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=rate, evaluate_every=0)
    shape = train.inputs.shape[1:]
    task = Task(lambda: network(network_name, shape), train, test, recipe)
    population = plant(task, Canaries(), seed)
    device = bench.device
    sets = {
        "train": (torch.from_numpy(train.inputs).to(device), torch.from_numpy(train.labels).to(device)),
        "test": (torch.from_numpy(test.inputs).to(device), torch.from_numpy(test.labels).to(device)),
    }
    rows: list[list[float]] = []
    ratios: list[list[float]] = []
    looked = sorted({*epochs_of(epochs), *at})
    engine = Engine(device)
    for checkpoint in checkpoints(task, population, population.where("train"), seed, epochs=looked, engine=engine):
        model = checkpoint.model
        with torch.no_grad():
            right = {split: (model(x).argmax(1) == y).double() for split, (x, y) in sets.items()}
        halves = [float(right["test"][start::2].mean()) for start in (0, 1)]
        rows.append([float(right["train"].mean()), *halves])
        if checkpoint.epoch in at:
            asks = [(critical.bind(scale=scale, max_iter=iterations), *sets[split]) for scale, split in searches]
            ratios.append(
                [critical_sample_ratio(ask(search, model, x[:asked], y[:asked])).value for search, x, y in asks]
            )
        bench.tick(checkpoint.epoch / epochs)
    return {"epochs": looked, "accuracy": rows, "ratios": ratios}


def peak(found: Found) -> tuple[int, float, float]:
    """Return the epoch at which validation accuracy is best, training accuracy then, and the fall from there to the end.

    The peak is chosen on one half of the validation examples, and the fall measured on the other.
    """
    rows = np.array(found["accuracy"])
    best = int(rows[:, 1].argmax())
    return found["epochs"][best], float(rows[best, 0]), float(rows[best, 2] - rows[-1, 2])
