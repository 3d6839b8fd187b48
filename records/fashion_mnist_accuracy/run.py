"""Test accuracy of the built-in models on all of Fashion-MNIST, trained on all 60,000 images.

python records/fashion_mnist_accuracy/run.py
"""

import time

import numpy as np
import torch

from byrote.stats.intervals import clopper_pearson
from byrote.task.canaries import Canaries, plant
from byrote.task.loading import load_task
from byrote.task.models import cnn, mlp
from byrote.training.engine import Engine
from byrote.training.loop import train

SEEDS = (0, 1)


def main() -> None:
    torch.set_num_threads(1)
    task = load_task("fashion-mnist")
    population = plant(task, Canaries(), 0)
    member, test = population.where("train"), population.where("test")
    print(f"torch {torch.__version__}, one thread, {task.recipe}", flush=True)
    for name, build in (("cnn", cnn), ("mlp", mlp)):
        for seed in SEEDS:
            start = time.perf_counter()
            *_, (last,) = train(
                lambda build=build: build((28, 28), 10), population, member[None], task.recipe, [seed], Engine()
            )
            assert last.clean is not None
            right = last.clean.values["correct"][test]
            low, high = clopper_pearson(right.sum(), len(right), level=0.9)
            learned = np.mean(last.clean.values["correct"][member])
            print(
                f"{name} seed {seed}: test {right.mean():.4f} [{low:.4f}, {high:.4f}], train {learned:.4f}, "
                f"{time.perf_counter() - start:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
