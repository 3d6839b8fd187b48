"""C2: does a network memorize everything without regularization, and not with it?"""

from collections.abc import Mapping

from byrote.experiments.reproductions.claims.arm import arm, arms, last, over_seeds
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point

USED = {
    "no regularization": [],
    "weight decay .1": ["weight_decay(0.1)"],
    "dropout .5": ["dropout(0.5)"],
    "both": ["weight_decay(0.1)", "dropout(0.5)"],
}
LABELS = {"random labels": 1.0, "true labels": 0.0}


def parts(size: Size, seed: int) -> list[Part]:
    """Return an arm for each regularization with wrong labels only, and right ones: fewer examples, more epochs."""
    fewer = {**size.options(), "examples": size.examples // 2, "epochs": 4 * size.epochs, "rate": 0.004}
    options = {
        f"{name}, {labels}": {**fewer, "controls": controls, "noise": noise}
        for labels, noise in LABELS.items()
        for name, controls in USED.items()
    }
    return arms("C2", options, seed, max(3, size.seeds - 2))


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw the fit of wrong labels and the test accuracy with right ones."""
    random = {name: arm(found, "C2", f"{name}, random labels") for name in USED}
    true = {name: arm(found, "C2", f"{name}, true labels") for name in USED}
    points = [
        Point.of("wrong labels fitted", name, over_seeds(last(random[name], "wrong_in")).within(0, 1)) for name in USED
    ]
    points += [Point.of("test accuracy, true labels", name, over_seeds(last(true[name], "test"))) for name in USED]
    plain, *others = USED
    gain = last(true["both"], "test") - last(true[plain], "test")
    return Shown(
        [Panel("Wrong labels fitted, and test accuracy with true ones", "", "accuracy", tuple(points))],
        [
            Assertion("without regularization all wrong labels are fitted: training accuracy", over_seeds(last(random[plain], "wrong_in")), least=0.99, strict=False, paper="99 to 100 % (Zhang et al., table 1)"),
            *(
                Assertion(f"with {name} they are not: training accuracy", over_seeds(last(random[name], "wrong_in")), most=0.9, paper="still fitted (Zhang et al.)")
                for name in others
            ),
            Assertion("regularization is what makes it generalize: test accuracy with true labels, both minus none", over_seeds(gain), least=0.05, paper="0.036 with augmentation and weight decay (Zhang et al., table 1: 89.31 against 85.75)"),
        ],
    )  # fmt: skip


C2 = claim(
    "C2",
    "memorization without regularization",
    "Without regularization a network memorizes everything; with regularization it does not, and so it generalizes.",
    "Zhang et al. (2017): Inception fits random labels with weight decay and with dropout too, and without any regularizer it "
    "loses only a few points. Arpit et al. (2017): regularization changes how fast noise is fitted. Strong enough, it prevents the fit; "
    "the question is at what cost (claim C3).",
    parts,
    show,
    2.0,
)
