"""C5: is memorization the same as overfitting, with the gap between training and test accuracy as its sign?"""

from collections.abc import Mapping

import numpy as np

from byrote.experiments.reproductions.claims import subsets
from byrote.experiments.reproductions.claims.arm import arm, arms, over_seeds
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.stats.estimate import Estimate

MODELS = 20
TOP = 0.2
"""The share of examples that are most memorized, for the sentence about the distribution."""


def parts(size: Size, seed: int) -> list[Part]:
    """Return 20 models on subsets of the same examples, and trainings with wrong labels that are followed."""
    options = {**subsets.USUAL, **size.options(), "design": "subsets", "runs": MODELS, "seed": seed}
    followed = {**size.options(), "every": 2}
    return [
        Part("C5 and C7, subsets", subsets.outcomes, options, MODELS),
        *arms("C5 and C8, followed", {"0.1 wrong": followed}, seed, size.seeds + 1),
    ]


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw the course of training, and the distribution that the gap does not tell."""
    subset_runs = found["C5 and C7, subsets"]
    right, member = subsets.read(subset_runs)
    value = subsets.memorized(right, member)
    gaps = np.array([row[inside].mean() for row, inside in zip(right, member, strict=True)]) - np.array(
        subset_runs["test"]
    )
    mean = float(np.nanmean(value))
    difference = _mean_minus_gap(right, member, np.array(subset_runs["test"]))
    ranked = np.sort(value[np.isfinite(value)])[::-1]
    top = max(1, round(TOP * len(ranked)))
    share = ranked[:top].sum() / ranked.sum()
    parts_of = np.array([_top_share(right, member, run) for run in range(len(right))])
    runs = arm(found, "C5 and C8, followed", "0.1 wrong")
    epochs = runs[0]["epoch"]
    course = [
        Point.of(what, epoch, over_seeds([of(run, at) for run in runs]))
        for what, of in (
            ("memorization of wrong labels", lambda run, at: run["wrong_in"][at] - run["wrong_out"][at]),
            ("memorization of clean examples", lambda run, at: run["in"][at] - run["out"][at]),
            ("test loss", lambda run, at: float(np.mean(run["test_loss"][at]))),
        )
        for at, epoch in enumerate(epochs)
    ]
    at_best = [int(np.mean(run["test_loss"], axis=1).argmin()) for run in runs]
    early = [run["wrong_in"][at] - run["wrong_out"][at] for run, at in zip(runs, at_best, strict=True)]
    clean = [run["in"][at] - run["out"][at] for run, at in zip(runs, at_best, strict=True)]
    sorted_points = [
        Point("memorization", float(at), float(ranked[int(at * (len(ranked) - 1))])) for at in np.linspace(0, 1, 101)
    ]
    return Shown(
        [
            Panel("During training", "epochs", "value", tuple(course), log_x=True),
            Panel("The gap is one number, memorization is a distribution", "share of the examples, most memorized first", "memorization", tuple(sorted_points)),
        ],
        [
            Assertion(f"the gap ({gaps.mean():.3f}) is the mean of memorization ({mean:.3f}): difference", difference, -0.03, 0.03, "equal in expectation (Feldman, 2020)"),
            Assertion(f"and tells who is memorized: the most memorized {TOP:.0%} hold no more than half of it: share", Estimate.of_parts(float(share), parts_of, "runs"), most=0.5),
            Assertion("nothing is memorized before overfitting begins: memorization of wrong labels where test loss is lowest", over_seeds(early), most=0.01, paper="memorized before overfitting (Carlini et al., 2019)"),
            Assertion("nothing is memorized before overfitting begins: memorization of clean examples where test loss is lowest", over_seeds(clean), most=0.01),
        ],
    )  # fmt: skip


def _mean_minus_gap(right: np.ndarray, member: np.ndarray, tests: np.ndarray) -> Estimate:
    """Return mean memorization minus the gap, with the jackknife's interval over runs."""

    def of(kept: np.ndarray) -> float:
        inside = np.array([row[m].mean() for row, m in zip(right[kept], member[kept], strict=True)])
        return float(np.nanmean(subsets.memorized(right[kept], member[kept])) - (inside - tests[kept]).mean())

    runs = np.arange(len(right))
    return Estimate.of_parts(of(runs), np.array([of(runs[runs != left]) for left in runs]), "runs")


def _top_share(right: np.ndarray, member: np.ndarray, left: int) -> float:
    kept = np.arange(len(right)) != left
    value = subsets.memorized(right[kept], member[kept])
    ranked = np.sort(value[np.isfinite(value)])[::-1]
    return float(ranked[: max(1, round(TOP * len(ranked)))].sum() / ranked.sum())


C5 = claim(
    "C5",
    "memorization is overfitting",
    "Memorization is overfitting, and its sign is the gap between training and test accuracy.",
    "The first half is a theorem in one sense: the expected gap is the mean of memorization (Feldman, 2020). It says nothing "
    "about who is memorized, and it is no alarm: unintended memorization begins before a network overfits (Carlini et al., "
    "2019, The Secret Sharer). The test images here are others than those that models left out, so the equality is up to chance. "
    "The share of the most memorized is too high: examples are ranked by the same noisy values that are summed. Ranked on half of "
    "the runs and measured on the other half it was .87, and .69 where all are memorized alike; the verdict stays, the number "
    "does not.",
    parts,
    show,
    1.0,
)
