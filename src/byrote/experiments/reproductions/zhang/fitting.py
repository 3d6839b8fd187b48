"""One training on real or randomized data with the same recipe for all, as in Zhang et al., 2017."""

from collections.abc import Callable

import numpy as np

from byrote.experiments.reproductions.data import Floats, images
from byrote.experiments.reproductions.experiment import Bench, Found
from byrote.experiments.reproductions.networks import network
from byrote.experiments.reproductions.trained import epochs_of
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task

KINDS = ("true labels", "random labels", "shuffled pixels", "random pixels", "Gaussian")

FITTED = 0.99
"""Training accuracy at which the time to fit is read."""


def fit(
    bench: Bench, *, data: str, network_name: str, examples: int, epochs: int, rate: float, batch: int, kind: str,
    share: float, seed: int,
) -> Found:  # fmt: skip
    """Return the final accuracies, the mean training loss of each epoch, and the first epoch at which nearly all is fitted.

    `kind` is one of KINDS, or "corrupted": each label is replaced, with probability `share`, by a random class. Test
    images are changed in the same way as training images. The accuracies of epochs are those of training passes; an epoch
    that is never reached is the number of epochs, and `censored` says so.
    """
    source, rng = images(data, bench.data), np.random.default_rng(seed)
    which = rng.permutation(len(source.train))[:examples]
    x, y = source.train[which], source.labels[which]
    if kind == "corrupted":
        fresh = np.random.default_rng([seed, 1])
        labels = np.where(fresh.random(len(y)) < share, fresh.integers(0, 10, len(y)), y)
        change = _same
    else:
        change, labels = _changed(kind, x, rng), y
        if kind == "random labels":
            labels = rng.integers(0, 10, len(y))
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=linear(rate), evaluate_every=0)
    shown = Examples(change(x), labels)
    task = Task(lambda: network(network_name, source.shape), shown, Examples(change(source.test), source.test_labels), recipe)  # fmt: skip
    losses: list[float] = []
    reached = 0
    right = np.zeros(0, np.bool_)
    for epoch, (step,) in enumerate(epochs_of(task, bench, [seed]), start=1):
        if step.seen is not None:
            losses.append(float(step.seen.values["loss"].mean()))
            if not reached and step.seen.values["correct"].mean() >= FITTED:
                reached = epoch
        if step.clean is not None:
            right = step.clean.values["correct"]
    return {
        "training": float(right[:examples].mean()),
        "test": float(right[examples:].mean()),
        "losses": losses,
        "reached": reached or epochs,
        "censored": not reached,
    }


def _same(pictures: Floats) -> Floats:
    return pictures


def _changed(kind: str, x: Floats, rng: np.random.Generator) -> Callable[[Floats], Floats]:
    """Return the change of images of this kind. Training images are changed first, then test images."""
    one = rng.permutation(int(np.prod(x.shape[1:])))

    def shuffle(pictures: Floats) -> Floats:
        return pictures.reshape(len(pictures), -1)[:, one].reshape(pictures.shape)

    def scatter(pictures: Floats) -> Floats:
        return rng.permuted(pictures.reshape(len(pictures), -1), axis=1).reshape(pictures.shape)

    def gaussian(pictures: Floats) -> Floats:
        return rng.normal(x.mean(), x.std(), pictures.shape).astype(np.float32)

    changes = {"shuffled pixels": shuffle, "random pixels": scatter, "Gaussian": gaussian}
    return changes.get(kind, _same)
