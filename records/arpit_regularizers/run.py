"""Dropout holds noise back at the least cost to real data: Arpit et al. 2017, arXiv:1706.05394, figure 10.

python records/arpit_regularizers/run.py
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

import rote
from rote.canaries import Canaries, plant
from rote.datasets.fashion_mnist import fashion
from rote.engine import Engine
from rote.train import train

SEEDS, EXAMPLES, EPOCHS = range(3), 1000, 40
DROPOUT, DECAY, INPUT = (0.2, 0.4, 0.6, 0.8, 0.9), (0.2, 0.5, 1.0, 2.0, 4.0), (0.1, 0.2, 0.4, 0.6, 0.8)
LEVELS = (0.8, 0.6, 0.4)


def halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def accuracies(
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    test: rote.Examples,
    seed: int,
    *,
    hidden: float,
    shown: float,
    decay: float,
) -> tuple[float, float]:
    """Return training accuracy in the end, and the best validation accuracy of every second epoch."""
    build = lambda: nn.Sequential(  # noqa: E731
        nn.Flatten(), nn.Dropout(shown), nn.Linear(196, 256), nn.ReLU(), nn.Dropout(hidden), nn.Linear(256, 10)
    )
    recipe = rote.Recipe(epochs=EPOCHS, batch_size=50, learning_rate=0.002, weight_decay=decay, evaluate_every=2)
    population = plant(rote.Task(build, rote.Examples(x, y), test, recipe), Canaries(), 0)
    best, last = 0.0, 0.0
    for (step,) in train(build, population, population.where("train")[None], recipe, [seed], Engine()):
        if step.clean is not None:  # about test examples only, but everyone in the end; the test examples come last
            right = step.clean.values["correct"]
            best, last = max(best, float(right[-len(test) :].mean())), float(right[: len(x)].mean())
    return last, best


def cost(points: NDArray[np.float64], level: float) -> float:
    """Return the change of validation accuracy where noise is fitted to `level`: a straight line between two strengths."""
    at = np.argsort(points[:, 0])
    return float(np.interp(level, points[at, 0], points[at, 1], left=np.nan) - points[0, 1])


def main() -> None:
    torch.set_num_threads(1)
    everyone, others = fashion()
    images, test = halved(everyone.inputs), rote.Examples(halved(others.inputs), others.labels)
    print(f"torch {torch.__version__}, {EXAMPLES} examples, {EPOCHS} epochs, {len(SEEDS)} seeds")
    kinds = {"dropout": DROPOUT, "weight decay": DECAY, "input dropout": INPUT}
    found = {name: np.zeros((len(SEEDS), len(values) + 1, 2)) for name, values in kinds.items()}
    for row, seed in enumerate(SEEDS):
        rng = np.random.default_rng(seed)
        which = rng.permutation(len(images))[:EXAMPLES]
        x, y = images[which], everyone.labels[which]
        noise = rng.permutation(y)
        none: tuple[float, float] | None = None
        for name, values in kinds.items():
            for place, value in enumerate((0.0, *values)):
                options = {"hidden": 0.0, "shown": 0.0, "decay": 0.0}
                options[{"dropout": "hidden", "weight decay": "decay", "input dropout": "shown"}[name]] = value
                if place or none is None:
                    fitted, _ = accuracies(x, noise, test, seed, **options)
                    _, best = accuracies(x, y, test, seed, **options)
                    none = none or (fitted, best)
                    found[name][row, place] = fitted, best
                else:
                    found[name][row, place] = none
    for name, values in kinds.items():
        for place, value in enumerate((0.0, *values)):
            fitted, best = found[name][:, place].mean(0)
            print(
                f"{name} {value}: fit of random labels {fitted:.3f}, best validation accuracy on real data {best:.4f}"
            )
    for level in LEVELS:
        told: list[str] = []
        for name, rows in found.items():
            each = np.array([cost(points, level) for points in rows])
            half = stats.t.ppf(0.95, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each))
            told.append(f"{name} {each.mean():+.4f} +- {half:.4f}")
        print(f"where noise is fitted to {level:.0%}, validation accuracy changes by: {', '.join(told)}")


if __name__ == "__main__":
    main()
