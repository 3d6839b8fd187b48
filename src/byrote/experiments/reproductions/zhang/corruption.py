"""Figure 1 of Zhang et al., 2017: loss curves of randomized data, and time to fit and test error over corrupted labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.experiment import Experiment, Found, Part, Shown, seeds_from
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.experiments.reproductions.zhang import random_labels
from byrote.experiments.reproductions.zhang.fitting import FITTED, KINDS, fit
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class Size:
    """How large the experiment is: the trainings of table 1, and these shares of corrupted labels."""

    table: random_labels.Size = field(default_factory=random_labels.Size)
    shares: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)


def parts(size: Size, seed: int) -> list[Part]:
    """Return the parts: those of table 1, and one training for each share of corrupted labels and seed."""
    options = {**size.table.options(), "kind": "corrupted"}
    return [
        *random_labels.parts(size.table, seed),
        *(
            Part(f"corrupted, {share:g}, seed {each}", fit, {**options, "share": share, "seed": each})
            for share in size.shares
            for each in seeds_from(seed, size.table.seeds)
        ),
    ]


def values_of(found: Mapping[str, Found], share: float, what: str) -> Float[ndarray, " seed"]:
    """Return a number of each seed's training with this share of corrupted labels."""
    return np.array([v[what] for name, v in found.items() if name.startswith(f"corrupted, {share:g},")], np.float64)


def slope(shares: tuple[float, ...], values: Float[ndarray, "share seed"]) -> Estimate:
    """Return by how much a number rises over the whole range of corruption, by least squares, with its interval over seeds."""
    centred = np.array(shares) - np.mean(shares)
    return Estimate.of_mean(centred @ values / (centred @ centred), "seeds")


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw the three panels of the figure and assert what they must show."""
    epochs = np.unique(np.geomspace(1, size.table.epochs, 25).astype(int))
    curves = {kind: np.array(random_labels.values_of(found, kind, "losses")) for kind in KINDS}
    losses = [
        Point(kind, int(epoch), float(np.mean(rows[:, epoch - 1]))) for kind, rows in curves.items() for epoch in epochs
    ]
    clean, shares = values_of(found, 0.0, "reached"), size.shares
    factor = np.array([values_of(found, share, "reached") / clean for share in shares])
    error = np.array([1 - values_of(found, share, "test") for share in shares])
    until = f"{FITTED:.0%} training accuracy"
    time = [
        Point.of("time to fit", share, Estimate.of_mean(f, "seeds")) for share, f in zip(shares, factor, strict=True)
    ]
    tests = [
        Point.of("test error", share, Estimate.of_mean(e, "seeds")) for share, e in zip(shares, error, strict=True)
    ]
    reached = {kind: np.array(random_labels.values_of(found, kind, "reached"), np.float64) for kind in KINDS}
    label = np.log2(reached["random labels"] / reached["true labels"])
    gaussian = np.log2(reached["random labels"] / reached["Gaussian"])
    never = sum(int(values_of(found, share, "censored").sum()) for share in shares)
    note = f" ({never} trainings never got there and count as {size.table.epochs} epochs)" if never else ""
    return Shown(
        [
            Panel("a: training loss", "epochs", "mean training loss", tuple(losses), log_x=True),
            Panel("b: time to fit, relative to true labels", "share of corrupted labels", "epochs, relative", tuple(time)),
            Panel("c: test error after fitting", "share of corrupted labels", "test error", tuple(tests)),
        ],
        [
            Assertion(f"a: random labels take longer than true ones: log2 of the factor of epochs to {until}", Estimate.of_mean(label, "seeds"), least=0, paper="they take longer (figure 1a)"),
            Assertion("a: and longer than Gaussian inputs: log2 of the factor", Estimate.of_mean(gaussian, "seeds"), least=0, paper="random inputs are fitted faster than random labels (figure 1a)"),
            Assertion(f"b: the time to fit rises with corruption: slope of the factor{note}", slope(shares, factor), least=0, paper="rises (figure 1b)"),
            Assertion("b: with random labels only, the factor is small", Estimate.of_mean(factor[-1], "seeds"), 1, 4, "1.5 to 3.5, by network (figure 1b)"),
            Assertion("c: test error rises with corruption: slope", slope(shares, error), least=0, paper="rises (figure 1c)"),
            Assertion("c: and ends at chance: test error", Estimate.of_mean(error[-1], "seeds"), 0.85, 0.95, "0.90 (figure 1c)"),
        ],
    )  # fmt: skip


CORRUPTION = Experiment(
    paper="zhang2017",
    name="figure 1",
    title="corruption of labels",
    claim="All randomized data are fitted, random labels slower than true ones by a small factor. With more corrupted labels fitting "
    "takes longer, and the test error rises to chance.",
    differs=random_labels.RANDOM_LABELS.differs,
    sizes={name: replace(Size(), table=size) for name, size in random_labels.RANDOM_LABELS.sizes.items()},
    minutes={"tiny": 2.5, "small": 40},
    parts=parts,
    show=show,
    data=lambda size: [size.table.data],
)
