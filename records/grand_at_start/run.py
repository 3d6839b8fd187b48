"""Keeping the hardest half by GraNd before training or by EL2N early: Paul et al. 2021, arXiv:2107.07075.

python records/grand_at_start/run.py
"""

import tempfile

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

import byrote
from byrote.probes import grand
from byrote.scores import el2n
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.fashion_mnist import fashion
from byrote.task.models import mlp
from byrote.training.engine import Engine
from byrote.training.loop import train

EXAMPLES, KEPT, MODELS, SEEDS = 2000, (0.7, 0.4), 10, range(8)
RECIPE = byrote.Recipe(epochs=20, batch_size=50, optimizer="sgd", learning_rate=0.05, evaluate_every=0)


def halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def build() -> torch.nn.Module:
    """Return a fresh model."""
    return mlp((14, 14), 10, width=128)


def at_start(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return GraNd of untrained models, averaged over ten of them."""
    values: list[NDArray[np.float64]] = []
    for seed in range(MODELS):
        torch.manual_seed(seed)
        values.append(byrote.ask(grand, build(), torch.from_numpy(x), torch.from_numpy(y)))
    return np.mean(values, axis=0)


def early(task: byrote.Task) -> NDArray[np.float64]:
    """Return EL2N after five epochs, averaged over the runs that were trained on the example."""
    with tempfile.TemporaryDirectory() as folder:
        record = byrote.collect(task, folder, runs=MODELS, seed=1, compute=byrote.Compute(workers=1))
        return byrote.evaluate(el2n.bind(step=5), record).value[record.population.where("train")]


def main() -> None:
    torch.set_num_threads(1)
    everyone, others = fashion()
    chosen = np.random.default_rng(0).permutation(len(everyone))[:EXAMPLES]
    x, y = halved(everyone.inputs)[chosen], everyone.labels[chosen]
    test = byrote.Examples(halved(others.inputs), others.labels)
    task = byrote.Task(build, byrote.Examples(x, y), test, RECIPE)
    print(
        f"torch {torch.__version__}, {EXAMPLES} examples, {len(SEEDS)} seeds each, paired differences with Student's 90 % intervals"
    )
    values = {"GraNd at the start": at_start(x, y), "EL2N after epoch 5": early(task)}
    population = plant(task, Canaries(), 0)
    trained, asked = population.where("train"), population.where("test")

    def accuracy(kept: NDArray[np.int64], seed: int) -> float:
        member = np.zeros(len(population), np.bool_)
        member[np.flatnonzero(trained)[kept]] = True
        *_, (last,) = train(build, population, member[None], RECIPE, [seed], Engine())
        assert last.clean is not None
        return float(last.clean.values["correct"][asked].mean())

    whole = [accuracy(np.arange(EXAMPLES), seed) for seed in SEEDS]
    print(f"all: {np.mean(whole):.4f}")
    for share in KEPT:
        count = round(share * EXAMPLES)
        base = [accuracy(np.random.default_rng([seed, 1]).permutation(EXAMPLES)[:count], seed) for seed in SEEDS]
        print(f"{share:.0%} kept at random: {np.mean(base):.4f}")
        for name, value in values.items():
            hardest = np.argsort(-value)[:count]
            gain = np.array([accuracy(hardest, seed) for seed in SEEDS]) - base
            half = stats.t.ppf(0.95, len(SEEDS) - 1) * gain.std(ddof=1) / np.sqrt(len(SEEDS))
            print(
                f"{share:.0%} kept by {name}: {np.mean(base) + gain.mean():.4f}, minus random {gain.mean():+.4f} +- {half:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
