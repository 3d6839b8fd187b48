"""Figure 9 of Arpit et al., 2017: a network that fits noise has more critical samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.arpit.following import follow
from byrote.experiments.reproductions.data import images, noise_like, with_random_labels
from byrote.experiments.reproductions.experiment import Bench, Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.stats.estimate import Estimate
from byrote.task.examples import Examples

KINDS = ("real", "random labels", "random inputs")
PAPER, WIDER = 1 / 255, 10 / 255
SEARCHES = ((PAPER, "test"), (WIDER, "test"), (WIDER, "train"))


@dataclass(frozen=True)
class Size:
    """How large the experiment is: ratios on `asked` examples after each epoch of `at`, with `iterations` steps of search."""

    data: str = "fashion14"
    network: str = "256"
    examples: int = 1000
    asked: int = 300
    seeds: int = 4
    epochs: int = 80
    at: tuple[int, ...] = (2, 10, 80)
    iterations: int = 40
    rate: float = 0.002
    batch: int = 50


def train(
    bench: Bench, *, data: str, network_name: str, examples: int, asked: int, epochs: int, at: list[int],
    iterations: int, rate: float, batch: int, kind: str, seed: int,
) -> Found:  # fmt: skip
    """Return accuracies and critical sample ratios of one training; see `follow`."""
    source, rng = images(data, bench.data), np.random.default_rng(seed)
    which = rng.permutation(len(source.train))[:examples]
    x, y = source.train[which], source.labels[which]
    real = Examples(source.test, source.test_labels)
    random = Examples(noise_like(source.train, len(source.test), rng), source.test_labels)
    labels = with_random_labels(y, 1, rng)
    noise = noise_like(source.train, examples, rng)
    learned, test = {
        "real": (Examples(x, y), real),
        "random labels": (Examples(x, labels), real),
        "random inputs": (Examples(noise, y), random),
    }[kind]
    return follow(
        learned, test, bench, network_name=network_name, epochs=epochs, rate=rate, batch=batch, asked=asked, at=at,
        searches=SEARCHES, iterations=iterations, seed=seed,
    )  # fmt: skip


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: one training for each kind of data and seed."""
    common: dict[str, Any] = {
        "data": size.data, "network_name": size.network, "examples": size.examples, "asked": size.asked,
        "epochs": size.epochs, "at": list(size.at), "iterations": size.iterations, "rate": size.rate, "batch": size.batch,
    }  # fmt: skip
    return [
        Part(_name(kind, each), train, {**common, "kind": kind, "seed": each})
        for kind in KINDS
        for each in seeds_from(seed, size.seeds)
    ]


def _name(kind: str, seed: int) -> str:
    return f"critical samples, {kind}, seed {seed}"


def ratios(found: Mapping[str, Found], kind: str) -> Float[ndarray, "seed epoch search"]:
    """Return the critical sample ratios of a kind of data."""
    return np.array([value["ratios"] for name, value in found.items() if name.startswith(f"critical samples, {kind},")])


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw the ratio over epochs, and compare noise with real data at the end."""
    by_kind = {kind: ratios(found, kind) for kind in KINDS}

    def panel(title: str, search: int) -> Panel:
        points = [
            Point.of(kind, epoch, Estimate.of_mean(by_kind[kind][:, row, search], "seeds"))
            for kind in KINDS
            for row, epoch in enumerate(size.at)
        ]
        return Panel(title, "epochs", "critical sample ratio", tuple(points), log_x=True)

    def less(kind: str, search: int) -> Estimate:
        return Estimate.of_mean(by_kind[kind][:, -1, search] - by_kind["real"][:, -1, search], "seeds")

    rise = by_kind["random labels"][:, -1, 1] - by_kind["random labels"][:, 0, 1]
    middle = by_kind["random inputs"][:, 1:-1, 2].max(axis=1) - by_kind["random inputs"][:, -1, 2]
    labelled = by_kind["random labels"][:, 1:-1, 2].max(axis=1) - by_kind["random labels"][:, -1, 2]
    held = "critical sample ratio on held-out points"
    return Shown(
        [
            panel("Held-out points, the paper's radius", 0),
            panel("Held-out points, ten times the radius", 1),
            panel("Training points, ten times the radius", 2),
        ],
        [
            Assertion(f"{held}, random labels minus real", less("random labels", 0), least=0, paper="higher for noise (figure)"),
            Assertion(f"{held}, random inputs minus real", less("random inputs", 0), least=0, paper="higher for noise (figure)"),
            Assertion(f"{held} with ten times the radius, random labels minus real", less("random labels", 1), least=0, paper="not tried"),
            Assertion(f"{held} rises in training on random labels (ten times the radius)", Estimate.of_mean(rise, "seeds"), least=0, paper="rises, then stays (figure)"),
            Assertion("on training points it has fallen at the end, random inputs", Estimate.of_mean(middle, "seeds"), least=0, paper="rises, then falls (figure)"),
            Assertion("on training points it has fallen at the end, random labels", Estimate.of_mean(labelled, "seeds"), least=0, paper="rises, then falls (figure)"),
        ],
    )  # fmt: skip


CRITICAL_SAMPLES = Experiment(
    paper="arpit2017",
    name="figure 9",
    title="critical samples during training",
    claim="The share of held-out points with a different prediction nearby (critical sample ratio) is larger after training on "
    "random labels or inputs than after training on real data. On training points it rises, then falls.",
    differs={
        "tiny": "1,000 images of Fashion-MNIST at 14x14 and a perceptron, not CIFAR-10 and a CNN; 40 steps of search, not 100; AdamW. For random inputs the held-out points are random too.",
        "small": "4,000 images of Fashion-MNIST at 14x14 and a perceptron, not CIFAR-10 and a CNN; AdamW. For random inputs the held-out points are random too.",
        "paper": "AdamW with a constant learning rate, not SGD with halving. For random inputs the held-out points are random too.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(network="512", examples=4000, asked=500, at=(2, 5, 10, 30, 80), iterations=100),
        "paper": Size(
            data="cifar10", network="alexnet", examples=50_000, asked=500, seeds=3, epochs=120, at=(1, 5, 15, 40, 80, 120),
            iterations=100, rate=0.001, batch=128,
        ),
    },
    minutes={"tiny": 1.5, "small": 20},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)  # fmt: skip
