"""Easy examples exist in real data, not in noise: Arpit et al. 2017, arXiv:1706.05394, figure 1, at a small scale.

python records/arpit_easy_examples/run.py
"""

import numpy as np
import torch
from numpy.typing import NDArray

import byrote
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.fashion_mnist import fashion
from byrote.task.models import mlp
from byrote.training.engine import Engine
from byrote.training.loop import train

RUNS, EXAMPLES, ASKED, RATES = 100, 4000, 1000, (0.01, 0.1)
Floats = NDArray[np.float32]


def halved(images: NDArray[np.uint8]) -> Floats:
    """Return 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def learned(inputs: Floats, labels: NDArray[np.int64], test: byrote.Examples, rate: float) -> NDArray[np.bool_]:
    """Return which predictions are right after one epoch, `[run, example]`; runs differ in initial weights and order."""
    recipe = byrote.Recipe(epochs=1, batch_size=32, optimizer="sgd", learning_rate=rate, momentum=0.0)
    task = byrote.Task(lambda: mlp((14, 14), 10, width=256), byrote.Examples(inputs, labels), test, recipe)
    population = plant(task, Canaries(), 0)
    everyone = population.where("train")
    right: list[NDArray[np.bool_]] = []
    for first in range(0, RUNS, 10):
        seeds = range(first, first + 10)
        (steps,) = train(task.model, population, np.tile(everyone, (10, 1)), recipe, seeds, Engine())
        right += [step.clean.values["correct"][everyone][:ASKED] for step in steps if step.clean is not None]
    return np.stack(right)


def ratio(right: NDArray[np.bool_], rng: np.random.Generator) -> tuple[float, float, float]:
    """Return the variance over examples of P(correct), over that of a binomial, and its 90 % bootstrap interval."""
    share = right.mean(0)
    of = lambda p: p.var(ddof=1) / (p.mean() * (1 - p.mean()) / RUNS)  # noqa: E731
    again = [of(rng.choice(share, len(share))) for _ in range(1000)]
    return of(share), *np.quantile(again, (0.05, 0.95))


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    train_set, test_set = fashion()
    chosen = rng.permutation(len(train_set))[:EXAMPLES]
    images, labels = halved(train_set.inputs)[chosen], train_set.labels[chosen]
    test = byrote.Examples(halved(test_set.inputs), test_set.labels)
    noise = rng.normal(images.mean(), images.std(), images.shape).astype(np.float32)
    print(f"torch {torch.__version__}, {RUNS} runs, {EXAMPLES} examples, {ASKED} of them asked, 90 % intervals")
    for rate in RATES:
        for name, inputs, told in (
            ("real", images, labels),
            ("random labels", images, rng.permutation(labels)),
            ("random inputs", noise, labels),
        ):
            right = learned(inputs, told, test, rate)
            value, low, high = ratio(right, rng)
            share = right.mean(0)
            print(
                f"learning rate {rate}, {name}: P(correct) mean {share.mean():.3f}, never right {np.mean(share <= 0.02):.3f}, "
                f"always right {np.mean(share >= 0.98):.3f}; variance / binomial variance {value:.2f} [{low:.2f}, {high:.2f}]",
                flush=True,
            )


if __name__ == "__main__":
    main()
