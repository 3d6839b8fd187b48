"""Figure 3 of Arpit et al., 2017: training depends on few examples of real data, and on all examples of noise equally."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.data import images, noise_like
from byrote.experiments.reproductions.experiment import Bench, Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.experiments.reproductions.networks import network
from byrote.probes import loss_sensitivity
from byrote.stats.estimate import Estimate
from byrote.summaries import gini
from byrote.training.hardware import one_thread

LEFT = ("real", "half random inputs", "random inputs", "random labels")
RIGHT = ("real, own classes", "random inputs, own classes")


@dataclass(frozen=True)
class Size:
    """How large the experiment is: the Gini coefficient is taken `rows` times during `updates` of SGD."""

    data: str = "fashion14"
    network: str = "16,16"
    examples: int = 300
    updates: int = 900
    rows: int = 6
    seeds: int = 6
    own_seeds: int = 3
    rate: float = 0.1
    batch: int = 50


def train(
    bench: Bench, *, data: str, network_name: str, examples: int, updates: int, rows: int, rate: float, batch: int,
    kind: str, seed: int,
) -> Found:  # fmt: skip
    """Return the Gini coefficient of the sensitivity averaged over the updates so far, at each of the rows."""
    source, rng = images(data, bench.data), np.random.default_rng(seed)
    which = rng.permutation(len(source.train))[:examples]
    x, y = source.train[which].reshape(examples, -1), source.labels[which]
    noise = noise_like(source.train.reshape(len(source.train), -1), examples, rng)
    half = np.where(rng.random((examples, 1)) < 0.5, noise, x)
    inputs, labels = {
        "real": (x, y),
        "half random inputs": (half, y),
        "random inputs": (noise, y),
        "random labels": (x, rng.permutation(y)),
        "real, own classes": (x, np.arange(examples)),
        "random inputs, own classes": (noise, np.arange(examples)),
    }[kind]
    at = range(updates // rows, updates + 1, updates // rows)
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(seed)
        model = network(network_name, x.shape[1:], int(labels.max()) + 1).to(bench.device)
        sensitivities = loss_sensitivity(
            model, torch.from_numpy(inputs).to(bench.device), torch.from_numpy(labels).to(bench.device),
            updates=updates, learning_rate=rate, batch_size=batch, at=at, seed=seed,
        )  # fmt: skip
    return {"gini": [gini(sensitivities[: row + 1].mean(0).double().cpu().numpy()).value for row in range(rows)]}


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: one training for each kind of data and seed."""
    common: dict[str, Any] = {
        "data": size.data, "network_name": size.network, "examples": size.examples, "updates": size.updates,
        "rows": size.rows, "rate": size.rate, "batch": size.batch,
    }  # fmt: skip
    asked = [(kind, size.seeds) for kind in LEFT] + [(kind, size.own_seeds) for kind in RIGHT]
    return [
        Part(_name(kind, each), train, {**common, "kind": kind, "seed": each})
        for kind, count in asked
        for each in seeds_from(seed, count)
    ]


def _name(kind: str, seed: int) -> str:
    return f"loss sensitivity, {kind}, seed {seed}"


def inequality(found: Mapping[str, Found]) -> dict[str, Float[ndarray, "seed row"]]:
    """Return the Gini coefficients of each kind of data."""
    sensitivities: dict[str, list[list[float]]] = {}
    for name, values in found.items():
        sensitivities.setdefault(name.removeprefix("loss sensitivity, ").rsplit(", seed", 1)[0], []).append(
            values["gini"]
        )
    return {kind: np.array(rows) for kind, rows in sensitivities.items()}


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw the Gini coefficient over updates, and compare real data with noise at the end."""
    sensitivities = inequality(found)
    every = size.updates // size.rows

    def panel(title: str, kinds: tuple[str, ...]) -> Panel:
        points = [
            Point.of(kind, every * (row + 1), Estimate.of_mean(sensitivities[kind][:, row], "seeds"))
            for kind in kinds
            for row in range(size.rows)
        ]
        return Panel(title, "updates", "Gini coefficient of loss sensitivity", tuple(points))

    def less(kind: str, other: str) -> Estimate:
        return Estimate.of_mean(sensitivities[kind][:, -1] - sensitivities[other][:, -1], "seeds")

    end = f"Gini coefficient after {size.updates} updates"
    return Shown(
        [panel("Ten classes", LEFT), panel("As many classes as examples", RIGHT)],
        [
            Assertion(f"{end}, real minus random inputs", less("real", "random inputs"), least=0, paper="about .6 against .1 after 100,000 updates (figure)"),
            Assertion(f"{end}, real minus half random inputs", less("real", "half random inputs"), least=0, paper="half random is between (figure)"),
            Assertion(f"{end}, half random minus random inputs", less("half random inputs", "random inputs"), least=0, paper="half random is between (figure)"),
            Assertion(f"{end}, real minus random labels", less("real", "random labels"), least=0, paper="not in this figure"),
            Assertion("with a class for each example, real minus random inputs", less("real, own classes", "random inputs, own classes"), least=0, paper="about .23 against .17 (figure)"),
        ],
    )  # fmt: skip


LOSS_SENSITIVITY = Experiment(
    paper="arpit2017",
    name="figure 3",
    title="loss sensitivity",
    claim="The gradient of the loss with respect to an example's input, through the updates of training, is distributed less "
    "evenly over real examples (a higher Gini coefficient) than over half random and random ones.",
    differs={
        "tiny": "300 images of Fashion-MNIST, not 1,000 of MNIST; 900 updates, not up to 100,000; the mean over updates is taken from every 150th.",
        "small": "1,000 images of Fashion-MNIST, not of MNIST; 3,000 updates, not up to 100,000; the mean over updates is taken from every 300th.",
        "paper": "10,000 updates, not up to 100,000 (unrolled updates are held in memory); digits at 28x28, not at 14x14.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(examples=1000, updates=3000, rows=10),
        "paper": Size(data="mnist", examples=1000, updates=10_000, rows=10),
    },
    minutes={"tiny": 2, "small": 25},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)
