"""Figure 1 of Arpit et al., 2017: some real examples are easy for every network, and noise is equally hard everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.data import images, noise_like
from byrote.experiments.reproductions.experiment import Bench, Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.experiments.reproductions.networks import network
from byrote.experiments.reproductions.trained import epochs_of
from byrote.stats.estimate import Estimate
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task

KINDS = ("real", "random labels", "random inputs")
DRAWS = 1000
"""Bootstrap samples of examples behind an interval."""


@dataclass(frozen=True)
class Size:
    """How large the experiment is: `runs` networks, `together` of them trained at once, judged on `asked` examples."""

    data: str = "fashion14"
    network: str = "256"
    examples: int = 4000
    asked: int = 1000
    runs: int = 100
    together: int = 10
    rate: float = 0.01
    batch: int = 32


def train(
    bench: Bench, *, data: str, network_name: str, examples: int, asked: int, rate: float, batch: int, kind: str,
    seed: int, seeds: list[int],
) -> Found:  # fmt: skip
    """Return in how many networks each asked example is right after one epoch; they differ in initial weights and order."""
    source, rng = images(data, bench.data), np.random.default_rng(seed)
    chosen = rng.permutation(len(source.train))[:examples]
    x, y = source.train[chosen], source.labels[chosen]
    noise, shuffled = noise_like(x, len(x), rng), rng.permutation(y)
    learned = {"real": (x, y), "random labels": (x, shuffled), "random inputs": (noise, y)}[kind]
    recipe = Recipe(epochs=1, batch_size=batch, optimizer="sgd", learning_rate=rate, momentum=0.0)
    task = Task(lambda: network(network_name, source.shape), Examples(*learned), None, recipe)
    ((*steps,),) = epochs_of(task, bench, seeds)
    right = np.stack([step.clean.values["correct"][:asked] for step in steps if step.clean is not None])
    return {"right": right.sum(axis=0).tolist()}


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: for each kind of data, packs of networks."""
    common: dict[str, Any] = {
        "data": size.data, "network_name": size.network, "examples": size.examples, "asked": size.asked,
        "rate": size.rate, "batch": size.batch, "seed": seed,
    }  # fmt: skip
    seeds = list(seeds_from(seed, size.runs))
    packs = [seeds[start : start + size.together] for start in range(0, size.runs, size.together)]
    return [
        Part(_name(kind, pack), train, {**common, "kind": kind, "seeds": own}, len(own))
        for kind in KINDS
        for pack, own in enumerate(packs)
    ]


def _name(kind: str, pack: int) -> str:
    return f"easy examples, {kind}, pack {pack}"


def shares(size: Size, found: Mapping[str, Found]) -> dict[str, Float[ndarray, " example"]]:
    """Return for each kind of data the share of networks that are right, example by example."""
    packs = range(-(-size.runs // size.together))
    return {kind: np.sum([found[_name(kind, p)]["right"] for p in packs], axis=0) / size.runs for kind in KINDS}


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw the sorted shares of errors, and compare their variance with that of a binomial."""
    share, rng = shares(size, found), np.random.default_rng(0)
    chance = rng.binomial(size.runs, share["random inputs"].mean(), len(share["real"])) / size.runs
    curves = {**share, "binomial": chance}
    points = [
        Point(kind, int(at), float(np.sort(1 - values)[at]))
        for kind, values in curves.items()
        for at in np.unique(np.linspace(0, len(values) - 1, 101).astype(int))
    ]
    ratios = {kind: ratio(values, size.runs, rng) for kind, values in share.items()}
    real, labels, inputs = (ratios[kind] for kind in KINDS)
    statistic = "variance of P(correct) over that of a binomial"
    return Shown(
        [Panel("Examples sorted by P(wrong) after one epoch", "example, sorted", "P(wrong)", tuple(points))],
        [
            Assertion(f"real examples are not equally hard: {statistic}", _estimate(real, size), least=5, paper="many examples at 0 and many at 1 (figure)"),
            Assertion(f"random inputs are: {statistic}", _estimate(inputs, size), 0.8, 1.25, "about the binomial's (figure)"),
            Assertion(f"random labels are in between: {statistic}, minus that of random inputs", _estimate((labels[0] - inputs[0], labels[1] - inputs[1]), size), least=0, paper="wider than the binomial (figure)"),
            Assertion(f"and real examples are further away: {statistic}, minus that of random labels", _estimate((real[0] - labels[0], real[1] - labels[1]), size), least=0, paper="far wider (figure)"),
        ],
    )  # fmt: skip


def ratio(
    share: Float[ndarray, " example"], runs: int, rng: np.random.Generator
) -> tuple[float, Float[ndarray, " draw"]]:
    """Return the variance over examples of P(correct) over that of a binomial, and the same of bootstrap samples."""

    def of(p: Float[ndarray, " example"]) -> float:
        return float(p.var(ddof=1) / max(p.mean() * (1 - p.mean()) / runs, 1e-12))

    return of(share), np.array([of(rng.choice(share, len(share))) for _ in range(DRAWS)])


def _estimate(value: tuple[float, Float[ndarray, " draw"]], size: Size) -> Estimate:
    low, high = np.quantile(value[1], (0.05, 0.95))
    return Estimate(value[0], float(low), float(high), size.asked, "examples")


EASY_EXAMPLES = Experiment(
    paper="arpit2017",
    name="figure 1",
    title="easy examples",
    claim="After one epoch, networks with other weights and orders agree on which real examples are easy. Over random inputs the "
    "share of networks that are right varies only as a binomial does, and for random labels it is in between.",
    differs={
        "tiny": "4,000 images of Fashion-MNIST at 14x14, not 60,000 of MNIST; one hidden layer of 256 units, not two of 4,096. Intervals are over examples.",
        "small": "5,000 images of Fashion-MNIST at 14x14, not 60,000 of MNIST; two hidden layers of 1,024 units, not 4,096. Intervals are over examples.",
        "paper": "The paper does not state the size of a batch; it is 32 here.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(network="1024,1024", examples=5000),
        "paper": Size(data="mnist", network="4096,4096", examples=60_000),
    },
    minutes={"tiny": 1.5, "small": 12},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)
