"""C4: does data augmentation reduce memorization?"""

from collections.abc import Mapping

from byrote.experiments.reproductions.claims.arm import arm, arms, last, memorized, memorized_wrong, over_seeds
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point

USED = {"none": [], "1 pixel": ["augment(crop, strength=0.5)"], "2 pixels": ["augment(crop, strength=1.0)"]}
"""A crop moves these images of 14 x 14 pixels by up to so many."""


def parts(size: Size, seed: int) -> list[Part]:
    """Return an arm for each size of shifts, with a tenth of wrong labels."""
    return arms("C4", {name: {**size.options(), "controls": used} for name, used in USED.items()}, seed, size.seeds)


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw memorization, leakage and test accuracy over the size of shifts."""
    by_arm = {name: arm(found, "C4", name) for name in USED}
    points = [
        Point.of("memorization of wrong labels", n, over_seeds(memorized_wrong(runs))) for n, runs in by_arm.items()
    ]
    points += [Point.of("memorization of clean examples", n, over_seeds(memorized(runs))) for n, runs in by_arm.items()]
    points += [Point.of("membership attack (AUROC)", n, over_seeds(last(runs, "attack"))) for n, runs in by_arm.items()]
    points += [Point.of("test accuracy", n, over_seeds(last(runs, "test"))) for n, runs in by_arm.items()]
    none, one = by_arm["none"], by_arm["1 pixel"]
    return Shown(
        [Panel("Shifts of the images in training", "", "value", tuple(points))],
        [
            Assertion("shifts of 1 pixel reduce the memorization of clean examples: difference", over_seeds(memorized(one) - memorized(none)), most=0),
            Assertion("shifts of 1 pixel reduce the memorization of wrong labels: difference", over_seeds(memorized_wrong(one) - memorized_wrong(none)), most=0),
            Assertion("shifts of 1 pixel reduce what a membership attack finds: difference in AUROC", over_seeds(last(one, "attack") - last(none, "attack")), most=0),
            Assertion("and raise the test accuracy: difference", over_seeds(last(one, "test") - last(none, "test")), least=0, paper="from 85.75 to 89.31 % with random crops (Zhang et al., table 1)"),
        ],
    )  # fmt: skip


C4 = claim(
    "C4",
    "augmentation to the rescue",
    "Data augmentation reduces memorization.",
    "The claim is often ascribed to Arpit et al. (2017), which contains no experiment with augmentation. Zhang et al. (2017) show that "
    "random crops help test accuracy; random labels can be fitted in spite of them, more slowly.",
    parts,
    show,
    0.8,
)
