"""Figure 10 of Arpit et al., 2017: which regularizer reduces the fitting of noise at the least cost on real data?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.data import Floats, Labels, images
from byrote.experiments.reproductions.experiment import Bench, Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.experiments.reproductions.networks import network
from byrote.experiments.reproductions.trained import epochs_of
from byrote.stats.estimate import Estimate
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task


@dataclass(frozen=True)
class Size:
    """How large the experiment is: strengths of both regularizers, and the levels of fitted noise at which they are compared."""

    data: str = "fashion14"
    network: str = "256"
    dropouts: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 0.9)
    decays: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    levels: tuple[float, ...] = (0.6, 0.5, 0.4, 0.3)
    examples: int = 500
    seeds: int = 8
    epochs: int = 80
    rate: float = 0.003
    batch: int = 50

    @property
    def strengths(self) -> dict[str, list[tuple[float, float]]]:
        """Pairs of dropout and weight decay, without regularization first, by the regularizer's name."""
        return {
            "dropout": [(value, 0.0) for value in (0.0, *self.dropouts)],
            "weight decay": [(0.0, value) for value in (0.0, *self.decays)],
        }


def train(
    bench: Bench, *, data: str, network_name: str, examples: int, epochs: int, rate: float, batch: int, dropout: float,
    decay: float, seed: int,
) -> Found:  # fmt: skip
    """Return the share of random labels that is fitted, and the best validation accuracy on real ones: two trainings."""
    source, rng = images(data, bench.data), np.random.default_rng(seed)
    which = rng.permutation(len(source.train))[:examples]
    x, y = source.train[which], source.labels[which]
    noise, test = rng.permutation(y), Examples(source.test, source.test_labels)
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=linear(rate), weight_decay=decay, evaluate_every=2)

    def learned(x: Floats, y: Labels, first: float) -> tuple[float, float]:
        task = Task(lambda: network(network_name, source.shape, dropout=dropout), Examples(x, y), test, recipe)
        half = replace(bench, tick=lambda share: bench.tick(first + share / 2))
        best, last = 0.0, 0.0
        for (step,) in epochs_of(task, half, [seed]):
            if step.clean is not None:  # test examples, at the last step all examples; the test examples come last
                right = step.clean.values["correct"]
                best, last = max(best, float(right[-len(test) :].mean())), float(right[: len(x)].mean())
        return last, best

    return {"fitted": learned(x, noise, 0)[0], "best": learned(x, y, 0.5)[1]}


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: for each seed and strength, a training on random labels and one on real ones."""
    common: dict[str, Any] = {
        "data": size.data, "network_name": size.network, "examples": size.examples, "epochs": size.epochs,
        "rate": size.rate, "batch": size.batch,
    }  # fmt: skip
    pairs = dict.fromkeys(pair for pairs in size.strengths.values() for pair in pairs)
    return [
        Part(_name(dropout, decay, each), train, {**common, "dropout": dropout, "decay": decay, "seed": each}, 2)
        for dropout, decay in pairs
        for each in seeds_from(seed, size.seeds)
    ]


def _name(dropout: float, decay: float, seed: int) -> str:
    return f"regularizers, dropout {dropout:g}, weight decay {decay:g}, seed {seed}"


def curve(found: Mapping[str, Found], pairs: list[tuple[float, float]]) -> Float[ndarray, "strength seed 2"]:
    """Return the fitted share of random labels and the best validation accuracy, by strength and seed."""
    return np.array(
        [
            [(v["fitted"], v["best"]) for name, v in found.items() if name.startswith(_name(*pair, 0)[:-1])]
            for pair in pairs
        ]
    )


def cost(points: Float[ndarray, "strength 2"], level: float) -> float:
    """Return the change of validation accuracy where noise is fitted to `level`: a straight line between two strengths."""
    at = np.argsort(points[:, 0])
    return float(np.interp(level, points[at, 0], points[at, 1], left=np.nan, right=np.nan) - points[0, 1])


def costs(by_strength: Float[ndarray, "strength seed 2"], level: float) -> Float[ndarray, " seed"]:
    """Return the change of validation accuracy at a level, seed by seed; NaN where no strength reaches it."""
    return np.array([cost(by_strength[:, at], level) for at in range(by_strength.shape[1])])


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw validation accuracy over the fit of random labels, and compare both regularizers at equal fit."""
    by_strength = {name: curve(found, pairs) for name, pairs in size.strengths.items()}
    points = [
        Point.of(name, float(values[:, 0].mean()), Estimate.of_mean(values[:, 1], "seeds"))
        for name, curves in by_strength.items()
        for values in curves
    ]
    claims = [
        Assertion(
            f"at {level:.0%} of the random labels fitted, dropout costs less than weight decay: difference in validation accuracy",
            Estimate.of_mean(costs(by_strength["dropout"], level) - costs(by_strength["weight decay"], level), "seeds"),
            least=0,
            paper="dropout is the flattest (figure)",
        )
        for level in size.levels
    ]
    middle = size.levels[len(size.levels) // 2]
    claims.append(
        Assertion(
            f"at {middle:.0%} of the random labels fitted, dropout costs next to nothing: change of validation accuracy",
            Estimate.of_mean(costs(by_strength["dropout"], middle), "seeds"),
            least=-0.01,
            paper="the curve is flat (figure)",
        )
    )
    return Shown(
        [Panel("Validation accuracy at each fit of random labels", "training accuracy on random labels", "best validation accuracy on real labels", tuple(points))],
        claims,
    )  # fmt: skip


REGULARIZERS = Experiment(
    paper="arpit2017",
    name="figure 10",
    title="regularizers",
    claim="Among single regularizers, dropout has the flattest curve: it lowers the share of random labels that is fitted at the "
    "least cost in validation accuracy on real labels.",
    differs={
        "tiny": "A perceptron and 500 images of Fashion-MNIST at 14x14, not a CNN and CIFAR-10; AdamW's weight decay. Input dropout, noise and adversarial training are not tried. The validation images are always the same.",
        "small": "A perceptron and 1,000 images of Fashion-MNIST at 14x14, not a CNN and CIFAR-10; AdamW's weight decay. Input dropout, noise and adversarial training are not tried.",
        "paper": "AdamW's weight decay and a learning rate that falls linearly, not SGD with halving. Input dropout, noise and adversarial training are not tried.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(network="512", examples=1000, epochs=120),
        "paper": Size(
            data="cifar10", network="alexnet", decays=(0.01, 0.1, 0.5, 1.0, 4.0), examples=50_000, seeds=3, epochs=120,
            rate=0.001, batch=128,
        ),
    },
    minutes={"tiny": 3, "small": 12},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)  # fmt: skip
