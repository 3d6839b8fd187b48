"""One training with some wrong labels, and how much of it was memorized: what the claims measure, arm by arm."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.controls import parse_control
from byrote.experiments.reproductions.data import images
from byrote.experiments.reproductions.experiment import Bench, Found, Part, seeds_from
from byrote.experiments.reproductions.networks import network
from byrote.experiments.reproductions.trained import epochs_of
from byrote.stats.estimate import Estimate
from byrote.summaries import auroc
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task

USUAL: dict[str, Any] = {
    "data": "fashion14", "network_name": "256", "examples": 1000, "epochs": 60, "rate": 0.002, "batch": 50,
    "noise": 0.1, "controls": [], "every": 0,
}  # fmt: skip
"""The options of an arm, unless a claim says otherwise."""


def learn(
    bench: Bench, *, data: str, network_name: str, examples: int, epochs: int, rate: float, batch: int, noise: float,
    controls: list[str], every: int, seed: int,
) -> Found:  # fmt: skip
    """Return how much one model memorized, by what it says about examples it was trained on and about others like them.

    2 x `examples` images are drawn, and half of them learned; a share `noise` of both halves has a wrong label. So what
    the model gets right among the learned, minus what it gets right among the others, is the mean memorization: of clean
    examples, and of wrong labels. `attack` is the AUROC of telling both halves of clean examples apart by their loss.
    `controls` are texts of byrote.controls. With `every`, the same numbers are kept every so many
    epochs, those of the learned from the training passes.
    """
    source, rng = images(data, bench.data), np.random.default_rng([seed, 11])
    which = rng.permutation(len(source.train))[: 2 * examples]
    x, y = source.train[which], source.labels[which]
    wrong = rng.random(2 * examples) < noise
    given = np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)
    learned, others = slice(0, examples), slice(examples, None)
    test_x, test_y = np.concatenate([x[others], source.test]), np.concatenate([given[others], source.test_labels])
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=linear(rate), evaluate_every=every)
    task = Task(
        lambda: network(network_name, source.shape), Examples(x[learned], given[learned]), Examples(test_x, test_y), recipe
    )  # fmt: skip
    for text in controls:
        task = parse_control(text)(task)
    found: Found = {"epoch": [], "in": [], "out": [], "wrong_in": [], "wrong_out": [], "test": [], "test_halves": [], "test_loss": []}  # fmt: skip
    right_in = np.zeros(examples, np.bool_)
    for epoch, (step,) in enumerate(epochs_of(task, bench, [seed]), start=1):
        if step.clean is None:
            continue
        last = epoch == epochs
        values = step.clean.values
        start = examples if last else 0  # at the end all examples are evaluated, before only those that are not learned
        right, loss = values["correct"][start:], values["loss"][start:]
        if last:
            right_in = values["correct"][:examples]
        elif step.seen is not None:
            right_in = np.zeros(examples, np.bool_)
            right_in[step.seen.positions] = step.seen.values["correct"]
        held_out, tested = right[:examples], right[examples:]
        found["epoch"].append(epoch)
        found["in"].append(_mean(right_in[~wrong[learned]]))
        found["out"].append(_mean(held_out[~wrong[others]]))
        found["wrong_in"].append(_mean(right_in[wrong[learned]]))
        found["wrong_out"].append(_mean(held_out[wrong[others]]))
        found["test"].append(float(tested.mean()))
        found["test_halves"].append([float(tested[::2].mean()), float(tested[1::2].mean())])
        found["test_loss"].append([float(loss[examples:][::2].mean()), float(loss[examples:][1::2].mean())])
        if last and noise < 1:
            clean = np.concatenate([values["loss"][:examples][~wrong[learned]], loss[:examples][~wrong[others]]])
            member = np.arange(len(clean)) < (~wrong[learned]).sum()
            found["attack"] = auroc(-clean.astype(np.float64), member).value
    return found


def _mean(values: ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def arms(claim: str, options: Mapping[str, Mapping[str, Any]], seed: int, count: int) -> list[Part]:
    """Return the parts of a claim: for each arm, by its name, one training from each seed."""
    return [
        Part(f"{claim}, {name}, seed {each}", learn, {**USUAL, **own, "seed": each})
        for name, own in options.items()
        for each in seeds_from(seed, count)
    ]


def arm(found: Mapping[str, Found], claim: str, name: str) -> list[Found]:
    """Return what the seeds of an arm found."""
    return [value for key, value in found.items() if key.startswith(f"{claim}, {name}, seed ")]


def last(runs: Sequence[Found], what: str) -> Float[ndarray, " seed"]:
    """Return a number at the end of training, seed by seed."""
    return np.array([run[what] if isinstance(run[what], float) else run[what][-1] for run in runs])


def memorized(runs: Sequence[Found]) -> Float[ndarray, " seed"]:
    """Return the mean memorization of clean examples at the end, seed by seed: 0 is none, 1 is all."""
    return last(runs, "in") - last(runs, "out")


def memorized_wrong(runs: Sequence[Found]) -> Float[ndarray, " seed"]:
    """Return the mean memorization of wrong labels at the end, seed by seed: 0 is none, 1 is all."""
    return last(runs, "wrong_in") - last(runs, "wrong_out")


def over_seeds(values: ndarray | Sequence[float]) -> Estimate:
    """Return the mean over seeds with its interval."""
    return Estimate.of_mean(np.asarray(values, np.float64), "seeds")
