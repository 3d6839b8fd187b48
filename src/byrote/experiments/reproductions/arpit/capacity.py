"""Figure 5 of Arpit et al., 2017: with noise among the training examples, the best network is larger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.data import images, noise_like, with_random_labels
from byrote.experiments.reproductions.experiment import Bench, Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.experiments.reproductions.networks import network
from byrote.experiments.reproductions.trained import last_right
from byrote.stats.estimate import Estimate
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task

CLEAN = "none"


@dataclass(frozen=True)
class Size:
    """How large the experiment is. `noise` are kinds with their share of the training examples."""

    data: str = "fashion14"
    layers: int = 2
    widths: tuple[int, ...] = (4, 16, 64, 256)
    noise: tuple[tuple[str, float], ...] = ((CLEAN, 0.0), ("inputs", 0.5), ("inputs", 0.8), ("labels", 0.4))
    examples: int = 1000
    seeds: int = 4
    epochs: int = 40
    rate: float = 0.002
    batch: int = 50


def train(
    bench: Bench, *, data: str, layers: int, width: int, kind: str, share: float, examples: int, epochs: int,
    rate: float, batch: int, seed: int,
) -> Found:  # fmt: skip
    """Return the training and the validation accuracy at the end; the validation examples are clean."""
    source, rng = images(data, bench.data), np.random.default_rng(seed)
    which = rng.permutation(len(source.train))[:examples]
    x, y = source.train[which], source.labels[which]
    noise, chosen = noise_like(x, len(x), rng), rng.random(len(x)) < share
    if kind == "inputs":
        x = np.where(chosen.reshape(-1, *[1] * (x.ndim - 1)), noise, x)
    if kind == "labels":
        y = with_random_labels(y, share, rng)
    name = ",".join([str(width)] * layers)
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=linear(rate), evaluate_every=0)
    task = Task(lambda: network(name, source.shape), Examples(x, y), Examples(source.test, source.test_labels), recipe)
    seen, held_out = last_right(task, bench, seed)
    return {"training": float(seen.mean()), "validation": float(held_out.mean())}


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: one training for each kind of noise, width and seed."""
    common: dict[str, Any] = {
        "data": size.data, "layers": size.layers, "examples": size.examples, "epochs": size.epochs,
        "rate": size.rate, "batch": size.batch,
    }  # fmt: skip
    return [
        Part(_name(kind, share, width, each), train, {**common, "width": width, "kind": kind, "share": share, "seed": each})
        for kind, share in size.noise
        for width in size.widths
        for each in seeds_from(seed, size.seeds)
    ]  # fmt: skip


def _name(kind: str, share: float, width: int, seed: int) -> str:
    return f"capacity, noise {kind} {share:g}, {width} units, seed {seed}"


def _told(kind: str, share: float) -> str:
    return "no noise" if kind == CLEAN else f"{share:.0%} random {kind}"


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw validation accuracy over width, and compare where it is best, and what the last widening gives."""
    seeds = sorted({int(name.rsplit("seed ", 1)[1]) for name in found})
    table: dict[tuple[str, float], Float[ndarray, "seed width"]] = {
        (kind, share): np.array(
            [[found[_name(kind, share, w, seed)]["validation"] for w in size.widths] for seed in seeds]
        )
        for kind, share in size.noise
    }
    points = [
        Point.of(_told(*noise), width, Estimate.of_mean(rows[:, at], "seeds"))
        for noise, rows in table.items()
        for at, width in enumerate(size.widths)
    ]
    widest, before = size.widths[-1], size.widths[-2]
    clean = table[size.noise[0]]
    saturated = Estimate.of_mean(clean[:, -1] - clean[:, -2], "seeds")
    claims = [
        Assertion(f"without noise, {widest} units in place of {before} gain little: validation accuracy", saturated, most=0.02, paper="saturated at 4,096 units (figure)"),
    ]  # fmt: skip
    best = np.log2(np.array(size.widths))
    for noise in size.noise[1:]:
        gains = (table[noise][:, -1] - table[noise][:, 0]) - (clean[:, -1] - clean[:, 0])
        moved = best[table[noise].argmax(1)] - best[clean.argmax(1)]
        claims += [
            Assertion(f"with {_told(*noise)}, {widest} units in place of {size.widths[0]} gain more than without noise: difference in validation accuracy", Estimate.of_mean(gains, "seeds"), least=0, paper="more capacity is needed with noise (figure)"),
            Assertion(f"with {_told(*noise)}, the best width is larger than without: log2 of the factor", Estimate.of_mean(moved, "seeds"), least=0, paper="the optimum moves to larger networks (figure)"),
        ]  # fmt: skip
    return Shown(
        [Panel("Validation accuracy after training with noise", "units in each hidden layer", "validation accuracy", tuple(points), log_x=True)],
        claims,
    )  # fmt: skip


CAPACITY = Experiment(
    paper="arpit2017",
    name="figure 5",
    title="capacity and validation accuracy",
    claim="On clean data, validation accuracy is near its best with few units already. With noise among the training examples, "
    "more capacity is needed to reach the best validation accuracy.",
    differs={
        "tiny": "1,000 images of Fashion-MNIST at 14x14 and up to 256 units, not MNIST and up to 4,096; AdamW with a learning rate that falls linearly, not SGD.",
        "small": "4,000 images of Fashion-MNIST at 14x14 and up to 1,024 units, not MNIST and up to 4,096; AdamW with a learning rate that falls linearly, not SGD.",
        "paper": "AdamW with a learning rate that falls linearly, 100 epochs; the paper has SGD and 1,000 epochs. CIFAR-10 is not tried.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(widths=(4, 16, 64, 256, 1024), examples=4000, seeds=6),
        "paper": Size(data="mnist", widths=(16, 64, 256, 1024, 4096), examples=50_000, seeds=5, epochs=100, batch=128),
    },
    minutes={"tiny": 2.5, "small": 30},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)
