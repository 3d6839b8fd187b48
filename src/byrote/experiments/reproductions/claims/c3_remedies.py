"""C3: does regularization fix memorization, leakage included?"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.experiments.reproductions.claims.arm import arm, arms, last, memorized, memorized_wrong, over_seeds
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point

USED = {
    "none": [],
    "weight decay .1": ["weight_decay(0.1)"],
    "weight decay 1": ["weight_decay(1.0)"],
    "dropout .5": ["dropout(0.5)"],
    "dropout .8": ["dropout(0.8)"],
    "sharpness-aware .1": ["sam(0.1)"],
}


def parts(size: Size, seed: int) -> list[Part]:
    """Return an arm for each regularizer, with a tenth of wrong labels."""
    return arms("C3", {name: {**size.options(), "controls": used} for name, used in USED.items()}, seed, size.seeds)


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw test accuracy against memorization of wrong labels, and leakage; compare with no regularization."""
    by_arm = {name: arm(found, "C3", name) for name in USED}
    measures = {
        "memorization of wrong labels": memorized_wrong,
        "memorization of clean examples": memorized,
        "membership attack (AUROC)": lambda runs: last(runs, "attack"),
        "test accuracy": lambda runs: last(runs, "test"),
    }
    points = [
        Point.of(measure, name, over_seeds(of(runs)))
        for measure, of in measures.items()
        for name, runs in by_arm.items()
    ]
    none = by_arm["none"]
    best = max(("weight decay 1", "dropout .5"), key=lambda name: float(last(by_arm[name], "test").mean()))
    halved = {name: left(memorized_wrong(by_arm[name]), memorized_wrong(none)) for name in USED}
    leak = {name: left(last(by_arm[name], "attack") - 0.5, last(none, "attack") - 0.5) for name in USED}
    gain = last(by_arm[best], "test") - last(none, "test")
    return Shown(
        [Panel("What regularization does", "", "value", tuple(points))],
        [
            Assertion(f"regularization improves the test accuracy: {best} minus none", over_seeds(gain), least=0),
            Assertion("weight decay .1 halves the memorization of wrong labels: share that is left", over_seeds(halved["weight decay .1"]), most=0.5),
            Assertion("dropout .5 halves the memorization of wrong labels: share that is left", over_seeds(halved["dropout .5"]), most=0.5),
            Assertion("dropout .5 halves what a membership attack gains over chance: share that is left", over_seeds(leak["dropout .5"]), most=0.5),
            Assertion("dropout .8 halves the memorization of wrong labels: share that is left", over_seeds(halved["dropout .8"]), most=0.5),
            Assertion("sharpness-aware minimization halves the memorization of wrong labels: share that is left", over_seeds(halved["sharpness-aware .1"]), most=0.5),
        ],
    )  # fmt: skip


def left(now: Float[ndarray, " seed"], before: Float[ndarray, " seed"]) -> Float[ndarray, " seed"]:
    """Return what is left of a number, as a share of what it was; NaN where it was 0."""
    return np.divide(now, before, out=np.full(len(now), np.nan), where=before != 0)


C3 = claim(
    "C3",
    "regularization fixes it",
    "Regularization fixes memorization: a network that generalizes better memorizes and leaks less.",
    "The Secret Sharer (Carlini et al., 2019) finds regularization ineffective against unintended memorization, and differential "
    "privacy effective. TinyMem (2025) finds regularizers slow and ineffective for language models. Sharpness-aware "
    "minimization is reported to improve test accuracy and to raise memorization and leakage (2026).",
    parts,
    show,
    1.2,
)
