"""Figures 7 and 8 of Arpit et al., 2017: patterns are learned before noise, and with noise there are more critical samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.arpit.following import epochs_of, follow, peak
from byrote.experiments.reproductions.data import images, noise_like, with_random_labels
from byrote.experiments.reproductions.experiment import Bench, Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.stats.estimate import Estimate
from byrote.task.examples import Examples

KINDS = ("labels", "inputs")
SCALE = 10 / 255
"""Ten times the radius of the paper: at tiny images the paper's own finds few critical samples."""


@dataclass(frozen=True)
class Size:
    """How large the experiment is. `shares` are of training examples whose label, or input, is noise."""

    data: str = "fashion14"
    network: str = "256"
    shares: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8)
    examples: int = 1000
    asked: int = 200
    seeds: int = 4
    epochs: int = 80
    iterations: int = 20
    rate: float = 0.002
    batch: int = 50


def train(
    bench: Bench, *, data: str, network_name: str, examples: int, asked: int, epochs: int, iterations: int,
    rate: float, batch: int, kind: str, share: float, seed: int,
) -> Found:  # fmt: skip
    """Return accuracies, and the critical sample ratio on held-out points at the end; see `follow`."""
    source, rng = images(data, bench.data), np.random.default_rng([seed, 7])
    which = rng.permutation(len(source.train))[:examples]
    x, y = source.train[which], source.labels[which]
    if kind == "labels":
        y = with_random_labels(y, share, rng)
    else:
        some = (rng.random(examples) < share).reshape(-1, *[1] * (x.ndim - 1))
        x = np.where(some, noise_like(source.train, examples, rng), x)
    return follow(
        Examples(x, y), Examples(source.test, source.test_labels), bench, network_name=network_name, epochs=epochs,
        rate=rate, batch=batch, asked=asked, at=[epochs], searches=[(SCALE, "test")], iterations=iterations, seed=seed,
    )  # fmt: skip


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: one training for each kind and share of noise and each seed."""
    common: dict[str, Any] = {
        "data": size.data, "network_name": size.network, "examples": size.examples, "asked": size.asked,
        "epochs": size.epochs, "iterations": size.iterations, "rate": size.rate, "batch": size.batch,
    }  # fmt: skip
    grid = [("labels", share) for share in size.shares] + [("inputs", share) for share in size.shares if share]
    return [
        Part(_name(kind, share, each), train, {**common, "kind": kind, "share": share, "seed": each})
        for kind, share in grid
        for each in seeds_from(seed, size.seeds)
    ]


def _name(kind: str, share: float, seed: int) -> str:
    return f"patterns first, {share:g} random {kind}, seed {seed}"


def of(found: Mapping[str, Found], kind: str, share: float) -> list[Found]:
    """Return what the seeds found with this noise; without any, both kinds are the same."""
    start = f"patterns first, {share:g} random {kind if share else 'labels'}, seed"
    return [value for name, value in found.items() if name.startswith(start)]


def slopes(found: Mapping[str, Found], kind: str, shares: tuple[float, ...]) -> Float[ndarray, " seed"]:
    """Return by how much the final critical sample ratio rises with the share of noise: least squares, seed by seed."""
    ratios = np.array([[each["ratios"][-1][0] for each in of(found, kind, share)] for share in shares])
    centred = np.array(shares) - np.mean(shares)
    return centred @ ratios / (centred @ centred)


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw accuracies over epochs and the ratio over noise; assert the order of ratios, and the early peak of validation."""
    epochs = epochs_of(size.epochs)
    panels: list[Panel] = []
    for kind in KINDS:
        points = [
            Point.of(f"{share:.0%}", epoch, Estimate.of_mean([float(np.mean(f["accuracy"][row][1:])) for f in of(found, kind, share)], "seeds"))
            for share in size.shares
            for row, epoch in enumerate(epochs)
        ]  # fmt: skip
        panels.append(Panel(f"Validation accuracy, by share of random {kind}", "epochs", "validation accuracy", tuple(points), log_x=True))  # fmt: skip
    ratios = [
        Point.of(f"random {kind}", share, Estimate.of_mean([f["ratios"][-1][0] for f in of(found, kind, share)], "seeds"))
        for kind in KINDS
        for share in size.shares
    ]  # fmt: skip
    panels.append(Panel("Critical samples at the end", "share of noise", "critical sample ratio", tuple(ratios)))
    middle = size.shares[len(size.shares) // 2]
    peaks = [peak(each) for each in of(found, "labels", middle)]
    early = Estimate.of_mean([fitted for _, fitted, _ in peaks], "seeds")
    fall = Estimate.of_mean([fallen for _, _, fallen in peaks], "seeds")
    clean = Estimate.of_mean([peak(each)[2] for each in of(found, "labels", 0.0)], "seeds")
    return Shown(
        panels,
        [
            Assertion("the critical sample ratio rises with the share of random labels: slope", Estimate.of_mean(slopes(found, "labels", size.shares), "seeds"), least=0, paper="ordered by noise (figure 7)"),
            Assertion("the critical sample ratio rises with the share of random inputs: slope", Estimate.of_mean(slopes(found, "inputs", size.shares), "seeds"), least=0, paper="ordered by noise (figure 7)"),
            Assertion(f"with {middle:.0%} random labels, validation accuracy is best before they are fitted: training accuracy then", early, most=0.9, paper="peaks before training accuracy is high (figure 7b)"),
            Assertion("and falls afterwards: validation accuracy at its peak minus at the end", fall, least=0.02, paper="falls (figure 7b)"),
            Assertion("without noise it falls by less than .02", clean, most=0.02, paper="does not fall (figure 7)"),
        ],
    )  # fmt: skip


PATTERNS_FIRST = Experiment(
    paper="arpit2017",
    name="figure 7/8",
    title="patterns before noise",
    claim="Networks learn patterns before they fit noise: with random labels, validation accuracy is best early and then falls, "
    "while the share of critical samples rises. The more noise, the more critical samples.",
    differs={
        "tiny": "1,000 images of Fashion-MNIST at 14x14 and one layer of 256 units; ten times the radius of the paper and 20 steps of search on 200 held-out points, at the end only; AdamW.",
        "small": "4,000 images of Fashion-MNIST at 14x14 and one layer of 512 units; ten times the radius of the paper on 300 held-out points, at the end only; AdamW.",
        "paper": "MNIST only (figure 7); ten times the radius of the paper, at the end only; AdamW with a constant learning rate.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(network="512", examples=4000, asked=300, iterations=100),
        "paper": Size(data="mnist", network="4096,4096", examples=50_000, asked=500, seeds=3, iterations=100, rate=0.001, batch=128),
    },
    minutes={"tiny": 3, "small": 40},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)  # fmt: skip
