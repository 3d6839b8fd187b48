"""C1: do larger networks memorize more, and generalize worse?"""

from collections.abc import Mapping

from byrote.experiments.reproductions.claims.arm import arm, arms, last, memorized, memorized_wrong, over_seeds
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point

WIDTHS = (8, 32, 128, 512)
NOISES = (0.0, 0.2)


def parts(size: Size, seed: int) -> list[Part]:
    """Return an arm for each width, without wrong labels and with a fifth of them."""
    options = {
        _name(width, noise): {**size.options(), "network_name": str(width), "noise": noise}
        for noise in NOISES
        for width in WIDTHS
    }
    return arms("C1", options, seed, size.seeds)


def _name(width: int, noise: float) -> str:
    return f"{width} units, {noise:g} wrong"


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw memorization and test accuracy over width; compare the widest network with the narrowest."""
    by_arm = {(width, noise): arm(found, "C1", _name(width, noise)) for noise in NOISES for width in WIDTHS}
    words = {0.0: "no wrong labels", 0.2: "20 % wrong labels"}
    memory = [
        Point.of(f"clean examples, {words[noise]}", width, over_seeds(memorized(by_arm[width, noise])))
        for noise in NOISES
        for width in WIDTHS
    ]
    memory += [Point.of("wrong labels", width, over_seeds(memorized_wrong(by_arm[width, 0.2]))) for width in WIDTHS]
    tests = [
        Point.of(words[noise], width, over_seeds(last(by_arm[width, noise], "test")))
        for noise in NOISES
        for width in WIDTHS
    ]
    few, many = WIDTHS[0], WIDTHS[-1]
    clean = memorized(by_arm[many, 0.0]) - memorized(by_arm[few, 0.0])
    wrong = memorized_wrong(by_arm[many, 0.2]) - memorized_wrong(by_arm[few, 0.2])
    worse = {noise: last(by_arm[few, noise], "test") - last(by_arm[many, noise], "test") for noise in NOISES}
    return Shown(
        [
            Panel("Memorization", "hidden units", "memorization", tuple(memory), log_x=True),
            Panel("Test accuracy", "hidden units", "test accuracy", tuple(tests), log_x=True),
        ],
        [
            Assertion(f"{many} units memorize more clean examples than {few}: difference in memorization", over_seeds(clean), least=0),
            Assertion(f"{many} units memorize more wrong labels than {few}: difference in memorization", over_seeds(wrong), least=0),
            Assertion(f"and so generalize worse without wrong labels: test accuracy of {few} units minus that of {many}", over_seeds(worse[0.0]), least=0, paper="more units are not worse (Arpit et al., figure 5)"),
            Assertion(f"and with 20 % wrong labels: test accuracy of {few} units minus that of {many}", over_seeds(worse[0.2]), least=0, paper="with noise the best network is larger (Arpit et al., figure 5)"),
        ],
    )  # fmt: skip


C1 = claim(
    "C1",
    "too many parameters",
    "Too many parameters make a network memorize, and that is why it generalizes worse.",
    "Arpit et al. (2017) find that with noise in MNIST the best network is larger, and no relation for random labels on CIFAR-10. "
    "Lukasik et al. (2023) report that most examples are memorized less by larger classifiers, others more. For language models "
    "memorization does grow with size (Carlini et al., 2023). The second assertion rests on the smallest network, which is too "
    "small for this task: from 128 to 512 units accuracy with wrong labels falls by .008 [.002, .015], in favour of the claim.",
    parts,
    show,
    1.6,
)
