"""Table 1 of Zhang et al., 2017: networks fit random labels with the recipe that learns the true ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from byrote.experiments.reproductions.experiment import Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.experiments.reproductions.zhang.fitting import KINDS, fit
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class Size:
    """How large the experiment is."""

    data: str = "fashion14"
    network: str = "512"
    examples: int = 1000
    seeds: int = 3
    epochs: int = 300
    rate: float = 0.002
    batch: int = 50

    def options(self) -> dict[str, Any]:
        """Return what all trainings have in common."""
        return {
            "data": self.data, "network_name": self.network, "examples": self.examples, "epochs": self.epochs,
            "rate": self.rate, "batch": self.batch,
        }  # fmt: skip


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: one training for each kind of data and seed."""
    return [
        Part(_name(kind, each), fit, {**size.options(), "kind": kind, "share": 0.0, "seed": each})
        for kind in KINDS
        for each in seeds_from(seed, size.seeds)
    ]


def _name(kind: str, seed: int) -> str:
    return f"fitting, {kind}, seed {seed}"


def values_of(found: Mapping[str, Found], kind: str, what: str) -> list[float]:
    """Return a number of each seed's training on this kind of data."""
    return [value[what] for name, value in found.items() if name.startswith(f"fitting, {kind},")]


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw both accuracies for each kind of data; assert that all is fitted and that random labels teach nothing."""
    points = [
        Point.of(what, kind, Estimate.of_mean(values_of(found, kind, what), "seeds").within(0, 1))
        for what in ("training", "test")
        for kind in KINDS
    ]

    def fitted(kind: str) -> Estimate:
        return Estimate.of_mean(values_of(found, kind, "training"), "seeds")

    tests = Estimate.of_mean(values_of(found, "random labels", "test"), "seeds")
    gain = [
        a - b
        for a, b in zip(values_of(found, "true labels", "test"), values_of(found, "random labels", "test"), strict=True)
    ]
    return Shown(
        [Panel("Accuracy with one recipe for all data", "", "accuracy", tuple(points))],
        [
            *(
                Assertion(f"{kind} are fitted: training accuracy", fitted(kind), least=0.99, strict=False, paper=paper)
                for kind, paper in zip(KINDS, ("1.000", "1.000 (.9934 to 1.000)", "fitted (figure 1a)", "fitted (figure 1a)", "fitted (figure 1a)"), strict=True)
            ),
            Assertion("random labels teach nothing: test accuracy", tests, 0.05, 0.15, "0.098 to 0.106"),
            Assertion("true labels do: test accuracy minus that after random labels", Estimate.of_mean(gain, "seeds"), least=0.3, paper="0.41 to 0.79, by network"),
        ],
    )  # fmt: skip


RANDOM_LABELS = Experiment(
    paper="zhang2017",
    name="table 1",
    title="random labels",
    claim="With unchanged hyper-parameters a network reaches nearly full training accuracy on random labels, with chance accuracy "
    "on test examples. It also fits images with shuffled or random pixels.",
    differs={
        "tiny": "One perceptron and 1,000 images of Fashion-MNIST at 14x14, not CIFAR-10 and several architectures; no regularizers, no ImageNet. 300 epochs were chosen after 100 did not fit all random labels.",
        "small": "One perceptron with three layers and 4,000 images of Fashion-MNIST at 14x14, not CIFAR-10 and several architectures; no regularizers, no ImageNet.",
        "paper": "The small AlexNet only, with AdamW and a learning rate that falls linearly; no regularizers, no ImageNet.",
    },
    sizes={
        "tiny": Size(),
        "small": Size(network="512,512,512", examples=4000, rate=0.001, seeds=4),
        "paper": Size(data="cifar10", network="alexnet", examples=50_000, epochs=100, rate=0.001, batch=128),
    },
    minutes={"tiny": 2.5, "small": 40},
    parts=parts,
    show=show,
    data=lambda size: [size.data],
)
