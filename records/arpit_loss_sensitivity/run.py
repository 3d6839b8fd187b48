"""Training depends on few examples of real data, and on all examples of noise: Arpit et al. 2017, arXiv:1706.05394, figure 3.

python records/arpit_loss_sensitivity/run.py
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from byrote.probes import loss_sensitivity
from byrote.summaries import gini
from byrote.task.datasets.fashion_mnist import fashion

SEEDS, EXAMPLES, STEPS, ROWS = range(6), 300, 900, 6


def halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return flattened 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32).reshape(-1, 196)


def inequality(x: NDArray[np.float32], y: NDArray[np.int64], seed: int) -> list[float]:
    """Return the Gini coefficient of the sensitivity averaged over the updates so far, at each of the rows."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(196, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, int(y.max()) + 1))
    at = range(STEPS // ROWS, STEPS + 1, STEPS // ROWS)
    found = loss_sensitivity(
        model,
        torch.from_numpy(x),
        torch.from_numpy(y),
        updates=STEPS,
        learning_rate=0.1,
        batch_size=50,
        at=at,
        seed=seed,
    )
    return [gini(found[: row + 1].mean(0).double().numpy()).value for row in range(ROWS)]


def spelled(values: NDArray[np.float64]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} +- {half:.3f}"


def main() -> None:
    torch.set_num_threads(1)
    everyone, _ = fashion()
    images = halved(everyone.inputs)
    print(
        f"torch {torch.__version__}, {EXAMPLES} examples, {STEPS} steps, {len(SEEDS)} seeds, means with 90 % intervals over seeds"
    )
    found: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        which = rng.permutation(len(images))[:EXAMPLES]
        x, y = images[which], everyone.labels[which]
        noise = rng.normal(images.mean(), images.std(), x.shape).astype(np.float32)
        half = np.where(rng.random((EXAMPLES, 1)) < 0.5, noise, x)
        for name, inputs, labels in (
            ("real", x, y),
            ("half random inputs", half, y),
            ("random inputs", noise, y),
            ("random labels", x, rng.permutation(y)),
        ):
            found.setdefault(name, []).append(inequality(inputs, labels, seed))
    for name, values in found.items():
        told = ", ".join(spelled(column) for column in np.array(values).T)
        print(f"{name}: Gini after {STEPS // ROWS} to {STEPS} steps {told}")
    real = np.array(found["real"])[:, -1]
    for name in ("half random inputs", "random inputs", "random labels"):
        print(f"real minus {name}, at the end: {spelled(real - np.array(found[name])[:, -1])}")


if __name__ == "__main__":
    main()
