"""Networks fit random labels, and 2n + d weights suffice for any: Zhang et al. 2017, arXiv:1611.03530, table 1 and theorem 1.

python records/zhang_random_labels/run.py
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

import byrote
from byrote.stats.intervals import student
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.fashion_mnist import fashion
from byrote.task.models import mlp
from byrote.training.engine import Engine
from byrote.training.loop import train

SEEDS, EXAMPLES = range(3), 1000
RECIPE = byrote.Recipe(epochs=300, batch_size=50, learning_rate=byrote.linear(0.002), evaluate_every=0)
Floats = NDArray[np.float64]


def halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def fitted(
    inputs: NDArray[np.float32], labels: NDArray[np.int64], test: byrote.Examples, seed: int
) -> tuple[float, float]:
    """Return the final training and test accuracy. The recipe is the same for all data sets."""
    task = byrote.Task(lambda: mlp((14, 14), 10), byrote.Examples(inputs, labels), test, RECIPE)
    population = plant(task, Canaries(), seed)
    everyone = population.where("train")
    *_, (last,) = train(task.model, population, everyone[None], RECIPE, [seed], Engine())
    assert last.clean is not None
    right = last.clean.values["correct"]
    return float(right[everyone].mean()), float(right[population.where("test")].mean())


def construct(inputs: Floats, values: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return a [d], b [n], w [n] such that sum_j w_j max(a . x_i - b_j, 0) = values_i for every i.

    Sorted along a random direction, with one threshold just below each point, the hidden layer is a triangular matrix.
    """
    a = rng.normal(size=inputs.shape[1])
    place = np.sort(inputs @ a)
    b = np.concatenate([[place[0] - 1], (place[1:] + place[:-1]) / 2])
    order = np.argsort(inputs @ a)
    w = solve_triangular(np.maximum(place[:, None] - b[None, :], 0), values[order], lower=True)
    return a, b, w


def exactly(inputs: Floats, values: Floats, a: Floats, b: Floats, w: Floats) -> Floats:
    """Return the network's outputs minus the values."""
    return np.maximum((inputs @ a)[:, None] - b[None, :], 0) @ w - values


def main() -> None:
    torch.set_num_threads(1)
    everyone, others = fashion()
    images, test = halved(everyone.inputs), byrote.Examples(halved(others.inputs), others.labels)
    print(
        f"torch {torch.__version__}, {EXAMPLES} examples, {len(SEEDS)} seeds, means with 90 % intervals over seeds, {RECIPE}"
    )
    shares: dict[str, list[tuple[float, float]]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        which = rng.permutation(len(images))[:EXAMPLES]
        x, y = images[which], everyone.labels[which]
        one = rng.permutation(196)
        shuffle = lambda images: images.reshape(-1, 196)[:, one].reshape(-1, 14, 14)  # noqa: B023, E731
        scatter = lambda images: rng.permuted(images.reshape(-1, 196), axis=1).reshape(-1, 14, 14)  # noqa: B023, E731
        gaussian = lambda images: rng.normal(x.mean(), x.std(), images.shape).astype(np.float32)  # noqa: B023, E731
        for name, change, labels in (
            ("true labels", lambda images: images, y),
            ("random labels", lambda images: images, rng.integers(0, 10, len(y))),
            ("shuffled pixels", shuffle, y),
            ("random pixels", scatter, y),
            ("Gaussian", gaussian, y),
        ):
            inputs, asked = change(x), byrote.Examples(change(test.inputs), test.labels)
            shares.setdefault(name, []).append(fitted(inputs, labels, asked, seed))
    for name, found in shares.items():
        told: list[str] = []
        for each in np.array(found).T:
            low, high = student(each.mean(), each.var(ddof=1), len(each), level=0.9)
            told.append(f"{each.mean():.4f} [{low:.4f}, {high:.4f}]")
        print(f"{name}: training {told[0]}, test {told[1]}")
    rng = np.random.default_rng(0)
    for n in (10, 100, 1000):
        inputs = images[:n].reshape(n, -1).astype(np.float64)
        for name, values in (
            ("random labels", rng.integers(0, 10, n).astype(np.float64)),
            ("normal values", rng.normal(size=n)),
        ):
            a, b, w = construct(inputs, values, rng)
            wrong = np.abs(exactly(inputs, values, a, b, w)).max()
            print(f"theorem 1, n={n}, {name}: {len(a) + len(b) + len(w)} = 2n + d weights, largest error {wrong:.1e}")


if __name__ == "__main__":
    main()
