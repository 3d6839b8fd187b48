"""Noise makes complex decision surfaces, and is learned after patterns: Arpit et al. 2017, arXiv:1706.05394, figures 9 and 7b.

python records/arpit_critical_samples/run.py
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

import byrote
from byrote.locate import checkpoints
from byrote.probes import critical
from byrote.summaries import critical_sample_ratio
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.fashion_mnist import fashion
from byrote.task.models import mlp

SEEDS, EXAMPLES, ASKED = range(4), 1000, 300
EPOCHS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80)
AT = (2, 10, 80)
PAPER, WIDER = critical.bind(max_iter=40), critical.bind(scale=10 / 255, max_iter=40)


def halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def follow(train: byrote.Examples, test: byrote.Examples, seed: int) -> tuple[NDArray[np.float64], list[float]]:
    """Return (training, validation on even places, on odd places) accuracy per epoch, and the critical sample ratios."""
    recipe = byrote.Recipe(epochs=max(EPOCHS), batch_size=50, learning_rate=0.002, evaluate_every=0)
    task = byrote.Task(lambda: mlp((14, 14), 10, width=256), train, test, recipe)
    population = plant(task, Canaries(), seed)
    rows: list[list[float]] = []
    ratios: list[float] = []
    held_out, told = torch.from_numpy(test.inputs), torch.from_numpy(test.labels)
    seen, wanted = torch.from_numpy(train.inputs), torch.from_numpy(train.labels)
    for checkpoint in checkpoints(task, population, population.where("train"), seed, epochs=EPOCHS):
        model = checkpoint.model
        with torch.no_grad():
            right = (model(held_out).argmax(1) == told).double()
            rows.append(
                [
                    float((model(seen).argmax(1) == wanted).double().mean()),
                    float(right[::2].mean()),
                    float(right[1::2].mean()),
                ]
            )
        if checkpoint.epoch in AT:
            for search, x, y in ((PAPER, held_out, told), (WIDER, held_out, told), (WIDER, seen, wanted)):
                ratios.append(critical_sample_ratio(byrote.ask(search, model, x[:ASKED], y[:ASKED])).value)
    return np.array(rows), ratios


def spelled(values: Sequence[float]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} +- {half:.3f}"


def main() -> None:
    torch.set_num_threads(1)
    everyone, others = fashion()
    images, test_images = halved(everyone.inputs), halved(others.inputs)
    print(f"torch {torch.__version__}, {EXAMPLES} examples, {len(SEEDS)} seeds, means with 90 % intervals over seeds")
    found: dict[str, list[tuple[NDArray[np.float64], list[float]]]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        which = rng.permutation(len(images))[:EXAMPLES]
        x, y = images[which], everyone.labels[which]
        noise = lambda n: rng.normal(images.mean(), images.std(), (n, 14, 14)).astype(np.float32)  # noqa: B023, E731
        wrong = lambda share: np.where(rng.random(len(y)) < share, rng.integers(0, 10, len(y)), y)  # noqa: B023, E731
        real_test, noise_test = byrote.Examples(test_images, others.labels), byrote.Examples(noise(1000), others.labels)
        for name, inputs, told, test in (
            ("real", x, y, real_test),
            ("random labels", x, wrong(1), real_test),
            ("random inputs", noise(EXAMPLES), y, noise_test),
            ("40 % random labels", x, wrong(0.4), real_test),
        ):
            found.setdefault(name, []).append(follow(byrote.Examples(inputs, told), test, seed))
    for name, runs in found.items():
        ratios = np.array([r for _, r in runs]).reshape(len(runs), len(AT), 3)
        last = np.array([rows[-1] for rows, _ in runs])
        print(f"{name}: training accuracy at the end {spelled(last[:, 0])}, validation {spelled(last[:, 1:].mean(1))}")
        for i, epoch in enumerate(AT):
            told = [spelled(ratios[:, i, column]) for column in range(3)]
            print(
                f"  epoch {epoch}: critical, held-out {told[0]}; ten times the radius, held-out {told[1]}, training {told[2]}"
            )
    peak, fitted, drop = [], [], []
    for rows, _ in found["40 % random labels"]:
        best = int(rows[:, 1].argmax())  # chosen on one half, measured on the other
        peak.append(EPOCHS[best])
        fitted.append(rows[best, 0])
        drop.append(rows[best, 2] - rows[-1, 2])
    print(
        f"40 % random labels: validation peaks after epochs {peak}, where training accuracy is {spelled(fitted)}; it falls by {spelled(drop)} until the end"
    )


if __name__ == "__main__":
    main()
