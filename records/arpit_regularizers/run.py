"""Dropout reduces the fitting of noise at the least cost to real data: Arpit et al. 2017, arXiv:1706.05394, figure 10.

python records/arpit_regularizers/run.py
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

import byrote
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.fashion_mnist import fashion
from byrote.training.engine import Engine
from byrote.training.loop import train

SEEDS, EXAMPLES, EPOCHS = range(8), 500, 80
DROPOUT, DECAY = (0.2, 0.4, 0.6, 0.8, 0.9), (0.5, 1.0, 2.0, 4.0, 8.0)
LEVELS = (0.6, 0.5, 0.4, 0.3)


def halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def accuracies(
    x: NDArray[np.float32], y: NDArray[np.int64], test: byrote.Examples, seed: int, dropout: float, decay: float
) -> tuple[float, float]:
    """Return the final training accuracy, and the best validation accuracy of every second epoch."""
    build = lambda: nn.Sequential(  # noqa: E731
        nn.Flatten(), nn.Linear(196, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, 10)
    )
    recipe = byrote.Recipe(
        epochs=EPOCHS, batch_size=50, learning_rate=byrote.linear(0.003), weight_decay=decay, evaluate_every=2
    )
    population = plant(byrote.Task(build, byrote.Examples(x, y), test, recipe), Canaries(), 0)
    best, last = 0.0, 0.0
    for (step,) in train(build, population, population.where("train")[None], recipe, [seed], Engine()):
        if step.clean is not None:  # test examples, at the last step all examples; the test examples come last
            right = step.clean.values["correct"]
            best, last = max(best, float(right[-len(test) :].mean())), float(right[: len(x)].mean())
    return last, best


def cost(points: NDArray[np.float64], level: float) -> float:
    """Return the change of validation accuracy where noise is fitted to `level`: a straight line between two strengths."""
    at = np.argsort(points[:, 0])
    return float(np.interp(level, points[at, 0], points[at, 1], left=np.nan, right=np.nan) - points[0, 1])


def spelled(values: NDArray[np.float64]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):+.4f} +- {half:.4f}"


def main() -> None:
    torch.set_num_threads(1)
    everyone, others = fashion()
    images, test = halved(everyone.inputs), byrote.Examples(halved(others.inputs), others.labels)
    print(f"torch {torch.__version__}, {EXAMPLES} examples, {EPOCHS} epochs, {len(SEEDS)} seeds")
    dropouts = [(value, 0.0) for value in (0.0, *DROPOUT)]
    decays = [(0.0, value) for value in (0.0, *DECAY)]
    found: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        which = rng.permutation(len(images))[:EXAMPLES]
        x, y = images[which], everyone.labels[which]
        noise = rng.permutation(y)
        for strengths in dict.fromkeys((*dropouts, *decays)):
            fitted, _ = accuracies(x, noise, test, seed, *strengths)
            _, best = accuracies(x, y, test, seed, *strengths)
            found.setdefault(strengths, []).append((fitted, best))
    for (dropout, decay), pairs in found.items():
        fitted, best = np.mean(pairs, axis=0)
        print(
            f"dropout {dropout}, weight decay {decay}: random labels fitted {fitted:.3f}, best validation accuracy on real data {best:.4f}"
        )
    curves = [np.array([found[strengths] for strengths in kind]) for kind in (dropouts, decays)]
    for level in LEVELS:
        one, other = (np.array([cost(curve[:, at], level) for at in range(len(SEEDS))]) for curve in curves)
        told = [spelled(values) for values in (one, other, one - other)]
        print(
            f"random labels fitted to {level:.0%}: validation changes by {told[0]} with dropout, {told[1]} with weight decay, difference {told[2]}"
        )


if __name__ == "__main__":
    main()
