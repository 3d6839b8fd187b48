"""C7: does cross-validation reduce memorization?"""

from collections.abc import Mapping

import numpy as np

from byrote.experiments.reproductions.claims import subsets
from byrote.experiments.reproductions.claims.c5_gap import MODELS
from byrote.experiments.reproductions.claims.claim import Size, claim
from byrote.experiments.reproductions.experiment import Found, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import fisher


def parts(size: Size, seed: int) -> list[Part]:
    """Return five folds, four times repeated, and as many models on random subsets of the same size (those of C5)."""
    options = {**subsets.USUAL, **size.options(), "runs": MODELS}
    return [
        Part("C5 and C7, subsets", subsets.outcomes, {**options, "design": "subsets", "seed": seed}, MODELS),
        Part("C7, folds", subsets.outcomes, {**options, "design": "kfold", "seed": seed + 1}, MODELS),
    ]


def show(size: Size, found: Mapping[str, Found]) -> Shown:
    """Draw memorization by folds against that by subsets, and compare their means and their order."""
    by_arm = {name: subsets.read(found[name]) for name in ("C5 and C7, subsets", "C7, folds")}
    (subset_right, subset_in), (fold_right, fold_in) = by_arm.values()
    one, other = subsets.memorized(subset_right, subset_in), subsets.memorized(fold_right, fold_in)
    both = np.isfinite(one) & np.isfinite(other)
    correlation = float(np.corrcoef(one[both], other[both])[0, 1])
    low, high = fisher(correlation, int(both.sum()), rank=False, level=0.9)
    folds, plain = _means(fold_right, fold_in), _means(subset_right, subset_in)
    reduced = _difference(folds, plain)
    levels = np.clip(np.round(one[both] * 5) / 5, 0, 1)
    points = [
        Point.of(
            "examples of that memorization", float(level), Estimate.of_mean(other[both][levels == level], "examples")
        )
        for level in np.unique(levels)
    ]
    points += [Point("equal", 0.0, 0.0), Point("equal", 1.0, 1.0)]
    return Shown(
        [Panel("Two estimates of the same memorization", "memorization, by models on random subsets", "memorization, by folds", tuple(points))],
        [
            Assertion(f"models of folds memorize less than models on as many random examples ({folds.mean():.3f}, {plain.mean():.3f}): difference", reduced, most=-0.01),
            Assertion("beside the claim, cross-validation detects memorization: mean by folds", Estimate.of_mean(folds, "runs"), least=0, beside=True),
            Assertion("beside the claim, it says who is memorized: Pearson's correlation with the estimate by subsets", Estimate(correlation, low, high, int(both.sum()), "examples"), least=0.7, beside=True),
        ],
    )  # fmt: skip


def _means(right: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Return for each run what it gets right of its members minus of the others: one-run mean memorization."""
    return np.array([row[inside].mean() - row[~inside].mean() for row, inside in zip(right, member, strict=True)])


def _difference(one: np.ndarray, other: np.ndarray) -> Estimate:
    """Return the difference of two means over runs, with Welch's standard error and a normal quantile."""
    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    value = float(one.mean() - other.mean())
    return Estimate(value, value - 1.645 * float(error), value + 1.645 * float(error), len(one) + len(other), "runs")


C7 = claim(
    "C7",
    "cross-validation against memorization",
    "Cross-validation reduces memorization.",
    "It detects it and does not reduce it: the models are trained as any other. What is little known: the models of repeated folds "
    "are evidence for memorization example by example, the same as models on random subsets (Feldman & Zhang, 2020).",
    parts,
    show,
    1.0,
)
