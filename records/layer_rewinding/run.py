"""Wrong labels are lost before clean ones when a layer is rewound or retrained: Maini et al. 2023, arXiv:2307.09542.

python records/layer_rewinding/run.py
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

import byrote
from byrote.locate import checkpoints, layer_retraining, layer_rewinding, memorized_and_clean
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.fashion_mnist import fashion
from byrote.task.models import cnn

SEEDS, EXAMPLES, MISLABELED, EPOCHS = range(4), 1000, 100, 60
AT = (0, 2, 4, 8, 16, 30, 45)


def halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 14x14 images in [0, 1]."""
    return (images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255).astype(np.float32)


def spelled(values: NDArray[np.float64]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} +- {half:.3f}"


def main() -> None:
    torch.set_num_threads(1)
    everyone, others = fashion()
    images, test = halved(everyone.inputs), byrote.Examples(halved(others.inputs), others.labels)
    recipe = byrote.Recipe(epochs=EPOCHS, batch_size=50, learning_rate=byrote.linear(0.003), evaluate_every=0)
    print(
        f"torch {torch.__version__}, {EXAMPLES} examples, {MISLABELED} of them mislabeled, {len(SEEDS)} seeds, means with 90 % intervals over seeds"
    )
    rewound: list[list[tuple[float, float]]] = []
    retrained: list[list[tuple[float, float]]] = []
    names: list[str] = []
    for seed in SEEDS:
        which = np.random.default_rng(seed).permutation(len(images))[:EXAMPLES]
        task = byrote.Task(
            lambda: cnn((14, 14), 10), byrote.Examples(images[which], everyone.labels[which]), test, recipe
        )
        population = plant(task, Canaries(mislabeled=MISLABELED), seed)
        member = population.where("train") | (population.canary == "mislabeled")
        memorized, clean = memorized_and_clean(population, member)
        *earlier, last = checkpoints(task, population, member, seed, epochs=(*AT, EPOCHS))
        rows = layer_rewinding(last.model, [*earlier, last], memorized, clean)
        names = [row.layer for row in rows[: len(rows) // (len(AT) + 1)]]
        rewound.append([(row.memorized.value, row.clean.value) for row in rows])
        again = layer_retraining(
            last.model, earlier[0].model, memorized, clean, byrote.Recipe(epochs=8, batch_size=50, learning_rate=0.002)
        )
        retrained.append([(row.memorized.value, row.clean.value) for row in again])
    found = np.array(rewound).reshape(len(SEEDS), len(AT) + 1, len(names), 2)
    print(f"trained: wrong labels {spelled(found[:, -1, 0, 0])}, clean {spelled(found[:, -1, 0, 1])}")
    lost = found[:, -1, 0][:, None, None] - found[:, :-1]
    print(f"a layer as after epochs {AT}; lost is the mean over these epochs")
    for place, name in enumerate(names):
        curves = [" ".join(f"{value:.2f}" for value in found[:, :-1, place, kind].mean(0)) for kind in (0, 1)]
        more = (lost[:, :, place, 0] - lost[:, :, place, 1]).mean(1)
        print(
            f"layer {name}: wrong labels {curves[0]}, clean {curves[1]}, lost of wrong labels minus of clean {spelled(more)}"
        )
    for place, name in enumerate(names):
        one, other = np.array(retrained)[:, place].T
        print(f"layer {name} reset and trained on clean examples: wrong labels {spelled(one)}, clean {spelled(other)}")
    low, high = lost[..., 0].mean((1, 2)), lost[..., 1].mean((1, 2))
    print(
        f"lost on average over layers and epochs: wrong labels {spelled(low)}, clean {spelled(high)}, difference {spelled(low - high)}"
    )


if __name__ == "__main__":
    main()
