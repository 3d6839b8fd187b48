"""The same with byrote.controls.example_tied_dropout, whose masks follow from the ids by a hash.

python records/example_tied_dropout/control.py [digits]        # needs scikit-learn, for the digits
"""

import sys

import numpy as np
import torch
from run import EPOCHS, EXAMPLES, FIXED, NOISE, OWN, SEEDS, WIDTH, flat, spelled
from torch import nn

import byrote
from byrote.controls.example_tied_dropout import example_tied_dropout, remembering
from byrote.task.canaries import Canaries, plant
from byrote.task.datasets.digits import digits
from byrote.task.datasets.fashion_mnist import fashion
from byrote.training.engine import Engine
from byrote.training.loop import packs

RECIPE = byrote.Recipe(epochs=EPOCHS, batch_size=50, learning_rate=0.003, weight_decay=0.01)


def compare(everyone: byrote.Examples, others: byrote.Examples) -> None:
    """Print the accuracies of a standard and a tied model."""
    images, test = flat(everyone.inputs), byrote.Examples(flat(others.inputs), others.labels)
    found: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        which = rng.permutation(len(images))[:EXAMPLES]
        right, wrong = everyone.labels[which], np.arange(EXAMPLES) < NOISE * EXAMPLES
        labels = np.where(wrong, (right + rng.integers(1, 10, EXAMPLES)) % 10, right)
        plain = byrote.Task(
            lambda: nn.Sequential(nn.Linear(images.shape[1], WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10)),
            byrote.Examples(images[which], labels),
            test,
            RECIPE,
        )
        for name, task in (("standard", plain), ("tied", example_tied_dropout(1 - FIXED, OWN)(plain))):
            population = plant(task, Canaries(), seed)
            train = population.split == "train"
            ((_, pack),) = packs(task.model, population, train[None], task.recipe, [seed], Engine(), task.learned)
            for epoch in range(1, EPOCHS + 1):
                pack.epoch(epoch, np.zeros(0, np.int64))
            model, inputs = pack.networks.one(0).eval(), torch.from_numpy(population.inputs)
            with torch.no_grad():
                said = {f"{name}, as evaluated": model(inputs).argmax(1).numpy()}
                if name == "tied":
                    with remembering(model, population.ids.tolist()):
                        said["tied, each example with its own units"] = model(inputs).argmax(1).numpy()
            for how, prediction in said.items():
                own, asked = prediction[train], prediction[~train] == test.labels
                shares = ((own == labels)[wrong], (own == right)[wrong], (own == labels)[~wrong], asked)
                found.setdefault(how, []).append([float(share.mean()) for share in shares])
    for name, rows in found.items():
        told = [spelled(list(column)) for column in np.array(rows).T]
        print(f"  {name}: wrong labels {told[0]} (their true class {told[1]}), clean {told[2]}, test {told[3]}")


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, byrote's control, {EXAMPLES} examples, {len(SEEDS)} seeds")
    for name, load in (("digits", digits), ("Fashion-MNIST at 14x14", fashion)):
        if name in sys.argv[1:] or not sys.argv[1:]:
            print(name, flush=True)
            compare(*load())


if __name__ == "__main__":
    main()
