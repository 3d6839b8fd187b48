"""Figure 6 of Arpit et al., 2017: less capacity or more data slows the fitting of noise more than that of real data."""

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
from byrote.stats.estimate import Estimate
from byrote.training.hardware import one_thread


@dataclass(frozen=True)
class Size:
    """How large the experiment is: sizes of the data at the widest network, widths at the middle size, shares of noise."""

    data: str = "digits"
    layers: int = 1
    widths: tuple[int, ...] = (256, 128, 64, 32)
    sizes: tuple[int, ...] = (150, 300, 600, 1200)
    at: int = 600
    shares: tuple[float, ...] = (0.0, 0.5, 1.0)
    seeds: int = 6
    most: int = 400
    goal: float = 0.99
    rate: float = 0.05
    batch: int = 50


def train(
    bench: Bench, *, data: str, layers: int, width: int, examples: int, share: float, most: int, goal: float,
    rate: float, batch: int, seed: int,
) -> Found:  # fmt: skip
    """Return after how many epochs training accuracy reaches the goal; `most` when it never does, as a censored number."""
    source, rng = images(data, bench.data), np.random.default_rng(seed)
    which = rng.permutation(len(source.train))[:examples]
    noise = noise_like(source.train, examples, rng)
    some = (np.arange(examples) < share * examples).reshape(-1, *[1] * (noise.ndim - 1))
    x = torch.from_numpy(np.where(some, noise, source.train[which])).to(bench.device)
    y = torch.from_numpy(source.labels[which]).to(bench.device)
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(seed)
        model = network(",".join([str(width)] * layers), source.shape).to(bench.device)
        update = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        for epoch in range(1, most + 1):
            for chosen in torch.randperm(len(x)).split(batch):
                update.zero_grad()
                torch.nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
                update.step()
            bench.tick(epoch / most)
            with torch.no_grad():
                if float((model(x).argmax(1) == y).double().mean()) >= goal:
                    return {"epochs": epoch}
    return {"epochs": most}


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: one training for each share of noise, width or size of the data, and seed."""
    common: dict[str, Any] = {
        "data": size.data, "layers": size.layers, "most": size.most, "goal": size.goal, "rate": size.rate,
        "batch": size.batch,
    }  # fmt: skip
    grid = dict.fromkeys([(n, size.widths[0]) for n in size.sizes] + [(size.at, width) for width in size.widths])
    return [
        Part(_name(share, n, width, each), train, {**common, "width": width, "examples": n, "share": share, "seed": each})
        for share in size.shares
        for n, width in grid
        for each in seeds_from(seed, size.seeds)
    ]  # fmt: skip


def _name(share: float, examples: int, width: int, seed: int) -> str:
    return f"time to fit, {share:g} noise, {examples} examples, {width} units, seed {seed}"


def epochs(
    size: Size, found: Mapping[str, Found], share: float, grid: list[tuple[int, int]]
) -> Float[ndarray, "seed at"]:
    """Return the epochs at each place of a grid of examples and widths."""
    seeds = sorted({int(name.rsplit("seed ", 1)[1]) for name in found})
    return np.array([[found[_name(share, n, w, seed)]["epochs"] for n, w in grid] for seed in seeds], np.float64)


def slower(taken: Float[ndarray, "seed at"]) -> Float[ndarray, " seed"]:
    """Return log2 of the factor between the last and the first place of a grid."""
    return np.log2(taken[:, -1] / taken[:, 0])


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw epochs over width and over the size of the data, and compare how much noise and real data are slowed."""
    narrower = [(size.at, width) for width in size.widths]
    larger = [(n, size.widths[0]) for n in size.sizes]

    def panel(title: str, axis: str, grid: list[tuple[int, int]], by: int) -> Panel:
        points = [
            Point.of(f"{share:.0%} random inputs", place[by], Estimate.of_mean(column, "seeds"))
            for share in size.shares
            for place, column in zip(grid, epochs(size, found, share, grid).T, strict=True)
        ]
        return Panel(title, axis, f"epochs to {size.goal:.0%} training accuracy", tuple(points), log_x=True)

    none, most = size.shares[0], size.shares[-1]
    claims: list[Assertion] = []
    for what, grid, ends, paper in (
        ("less capacity", narrower, f"from {size.widths[0]} to {size.widths[-1]} units", "noise is slowed more"),
        ("more data", larger, f"from {size.sizes[0]:,} to {size.sizes[-1]:,} examples", "all is slowed, noise more"),
    ):
        real, noise = (slower(epochs(size, found, share, grid)) for share in (none, most))
        claims += [
            Assertion(f"{what} slows noise ({ends}): log2 of the factor", Estimate.of_mean(noise, "seeds"), least=0, paper=f"{paper} (figure)"),
            Assertion(f"{what} slows noise more than real data: difference of log2 factors", Estimate.of_mean(noise - real, "seeds"), least=0, paper=f"{paper} (figure)"),
        ]  # fmt: skip
    return Shown(
        [
            panel(f"Less capacity, {size.at:,} examples", "hidden units", narrower, 1),
            panel(f"More data, {size.widths[0]:,} units", "training examples", larger, 0),
        ],
        claims,
    )


TIME_TO_FIT = Experiment(
    paper="arpit2017",
    name="figure 6",
    title="time to fit",
    claim="A smaller network or a larger data set needs more epochs to fit its training examples, and noise is slowed down more "
    "than real data.",
    differs={
        "tiny": "Digits of 8x8 and at most 1,200 of them, not MNIST; one layer of up to 256 units, not two of up to 4,096; batches of 50 with momentum; 99 %, not 100 %.",
        "small": "Fashion-MNIST at 14x14 and at most 4,800 of them, not MNIST; one layer of up to 1,024 units; batches of 50 with momentum; 99 %, not 100 %.",
        "paper": "Batches of 128 with momentum; 99 %, not 100 %; no training is longer than 1,000 epochs.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(data="fashion14", widths=(1024, 256, 64, 32), sizes=(600, 1200, 2400, 4800), at=2400, most=600),
        "paper": Size(
            data="mnist", layers=2, widths=(4096, 1024, 256, 64), sizes=(5000, 10_000, 25_000, 50_000), at=50_000,
            seeds=3, most=1000, rate=0.01, batch=128,
        ),
    },
    minutes={"tiny": 1, "small": 40},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)  # fmt: skip
