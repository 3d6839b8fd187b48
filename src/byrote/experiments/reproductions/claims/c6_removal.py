"""C6: is memorization bad? What test accuracy is lost without the examples that were memorized."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from byrote.experiments.reproductions.claims import subsets
from byrote.experiments.reproductions.claims.arm import over_seeds
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Bench, Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point

SHARES = (0.05, 0.15, 0.3)
MODELS = 20


def removed(bench: Bench, *, options: dict[str, Any], runs: int, seeds: list[int], shares: list[float]) -> Found:
    """Estimate memorization from `runs` models; return test accuracies without the most memorized, and without random ones."""
    task = subsets.task_of(bench, **options)
    first = subsets.outcomes(bench, design="subsets", runs=runs, seed=seeds[0] // 1000, **options)
    value = np.nan_to_num(subsets.memorized(*subsets.read(first)), nan=-1)
    order = np.argsort(-value, kind="stable")
    found: Found = {}
    for what in ("nothing", "memorized", "random"):
        for share in shares if what != "nothing" else [0.0]:
            count = round(share * len(order))
            members = np.ones((len(seeds), len(order)), np.bool_)
            for row, seed in zip(members, seeds, strict=True):
                random = np.random.default_rng([seed, 17]).permutation(len(order))
                row[(random if what == "random" else order)[:count]] = False
            found[f"{what} {share:g}"] = subsets.right_of(task, bench, members, seeds)[1].mean(1).tolist()
    return found


def parts(size: Size, seed: int) -> list[Part]:
    """Return one part for each draw of the images: models on subsets, then models without those that they memorized."""
    seeds = list(range(1000 * seed, 1000 * seed + 4))
    return [
        Part(
            f"C6, draw {draw}",
            removed,
            {"options": {**subsets.USUAL, **size.options(), "epochs": size.epochs // 2, "draw": draw}, "runs": MODELS, "seeds": seeds, "shares": list(SHARES)},
            MODELS + len(seeds) * (1 + 2 * len(SHARES)),
        )
        for draw in range(3)
    ]  # fmt: skip


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw test accuracy over the share removed, and compare the most memorized with random ones, draw by draw."""
    by_seed = list(found.values())
    points = [
        Point.of(what, 0.0, over_seeds([_mean(d, "nothing 0") for d in by_seed])) for what in ("memorized", "random")
    ]
    points += [
        Point.of(what, share, over_seeds([_mean(d, f"{what} {share:g}") for d in by_seed]))
        for what in ("memorized", "random")
        for share in SHARES
    ]
    points.sort(key=lambda point: (point.series, point.x))
    cost = {
        share: [_mean(d, f"memorized {share:g}") - _mean(d, f"random {share:g}") for d in by_seed] for share in SHARES
    }
    gain = [_mean(d, f"memorized {SHARES[0]:g}") - _mean(d, "nothing 0") for d in by_seed]
    return Shown(
        [Panel("Test accuracy without some of the training examples", "share of the training examples removed", "test accuracy", tuple(points))],
        [
            Assertion(f"without the most memorized {SHARES[0]:.0%} a network is better than with all: difference in test accuracy", over_seeds(gain), least=0, paper="worse (Feldman & Zhang, 2020, figure 2)"),
            *(
                Assertion(f"removing the most memorized {share:.0%} costs less than removing as many random ones: difference in test accuracy", over_seeds(values), least=0, paper="costs more (Feldman & Zhang, 2020, figure 2)")
                for share, values in cost.items()
            ),
        ],
    )  # fmt: skip


def _mean(found: Found, arm: str) -> float:
    return float(np.mean(found[arm]))


C6 = claim(
    "C6",
    "memorization is bad",
    "Memorization is bad: a network is better off without the examples that it memorizes.",
    "Feldman (2020) shows that on long-tailed data memorizing is necessary for the best accuracy; on ImageNet, the 32 % of the "
    "examples with memorization of .3 and more are worth about 3.4 points (Feldman & Zhang, 2020). Another study finds the effect "
    "shrunk to .5 points after weight decay, removal of duplicates and other corrections: the size of it is contested. "
    "Memorized wrong labels and private data are another matter.",
    parts,
    show,
    2.5,
)
