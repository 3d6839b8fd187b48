"""C8: does early stopping find the sweet spot?"""

from collections.abc import Mapping

import numpy as np

from byrote.experiments.reproductions.claims.arm import arm, arms, memorized_wrong, over_seeds
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point

NOISES = {"no wrong labels": 0.0, "0.1 wrong": 0.1, "0.4 wrong": 0.4}
START = "C5 and C8, followed"


def parts(size: Size, seed: int) -> list[Part]:
    """Return trainings that are followed, with three shares of wrong labels."""
    options = {name: {**size.options(), "noise": noise, "every": 2} for name, noise in NOISES.items()}
    return arms(START, options, seed, size.seeds + 1)


def gain(run: Found) -> float:
    """Return test accuracy at the best epoch minus at the end: chosen on half of the test images, measured on the others."""
    halves = np.array(run["test_halves"])
    return float(halves[halves[:, 0].argmax(), 1] - halves[-1, 1])


def stopped_memory(run: Found) -> float:
    """Return the memorization of wrong labels at the best epoch, chosen on one half of the test images."""
    at = int(np.array(run["test_halves"])[:, 0].argmax())
    return float(run["wrong_in"][at] - run["wrong_out"][at])


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw test accuracy over epochs, and assert what stopping at the best of them gains."""
    by_arm = {name: arm(found, START, name) for name in NOISES}
    points = [
        Point.of(name, epoch, over_seeds([run["test"][at] for run in runs]))
        for name, runs in by_arm.items()
        for at, epoch in enumerate(runs[0]["epoch"])
    ]
    clean, noisy = by_arm["no wrong labels"], by_arm["0.4 wrong"]
    less = [stopped_memory(run) - whole for run, whole in zip(noisy, memorized_wrong(noisy), strict=True)]
    return Shown(
        [Panel("Test accuracy during training", "epochs", "test accuracy", tuple(points), log_x=True)],
        [
            Assertion("without wrong labels, stopping early raises test accuracy by a point or more: gain", over_seeds([gain(run) for run in clean]), least=0.01, paper="no benefit on CIFAR-10 (Zhang et al., 2017)"),
            Assertion("with 10 % wrong labels: gain", over_seeds([gain(run) for run in by_arm["0.1 wrong"]]), least=0.01),
            Assertion("with 40 % wrong labels: gain", over_seeds([gain(run) for run in noisy]), least=0.01, paper="decisive (Arpit et al., 2017, figures 7b and 8b)"),
            Assertion("and it prevents memorization: change of the memorization of 40 % wrong labels", over_seeds(less), most=-0.2),
        ],
    )  # fmt: skip


C8 = claim(
    "C8",
    "early stopping finds the sweet spot",
    "Early stopping finds the sweet spot between learning and memorizing.",
    "It depends on the noise. Zhang et al. (2017) saw no benefit on CIFAR-10, and a potential one on ImageNet. With wrong labels it is "
    "decisive, because patterns are learned before noise (Arpit et al., 2017). Atypical but right examples are learned late too, "
    "so what stopping leaves out is not only noise.",
    parts,
    show,
    1.2,
)
