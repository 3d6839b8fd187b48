"""Which way of keeping a wanted list is best in what, and which to take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from byrote.experiments.recalling.compare import RecallComparison
from byrote.experiments.recalling.way import Problem, Way
from byrote.stats.estimate import Estimate
from byrote.summaries.recall_difference import recall_difference

SLACK = 0.01
"""Two shares that differ by less are called equal, also where the interval of the difference is narrower."""


RISK = 0.1
"""Risk of calling any way worse that is as good as the best (Bonferroni, over all ways and over recall and new data)."""

QUICK = 10.0
"""Times of updates that differ by less than so many times are called equal: they vary from run to run."""


@dataclass(frozen=True, eq=False)
class Advice:
    """The way to take on a problem, and the other ways that are as good by the same rule, in words of the ways.

    The rule: of the ways that recall as much as the best one (see `as_good`), those that are as good as the best of them on
    new data; among these, those that take a new entry in less than QUICK times the time of the quickest; of these the one
    that recalls most on average over the variations of inputs, and then the one with the fewest bytes beside the network.
    `steadiest` is the way that recalls most on average over the variations, if inputs were varied. `rival` is the best of the
    other kind by the same rule: in the weights where a memory is taken, a memory where not; None where there is none.
    """

    take: Way
    as_good: tuple[Way, ...]
    rival: Way | None
    steadiest: Way | None


def advise(problem: Problem) -> Advice:
    """Return which way to take."""
    take, *others = _best(problem.ways)
    other_kind = [way for way in problem.ways if way.memory is not take.memory and way.update is not None]
    return Advice(take, tuple(others), _best(other_kind)[0] if other_kind else None, _steadiest(problem))


def _best(ways: Sequence[Way]) -> list[Way]:
    """Return the ways that pass the rule of Advice, the first of them first."""
    left = [way for way in ways if np.isfinite(way.recall.value)]
    best = max(left, key=lambda way: way.recall.value)
    level = 1 - RISK / max(len(left) - 1, 1)
    left = [way for way in left if as_good(way.recall, best.recall, way.right, best.right, level=level)]
    known = [way for way in left if np.isfinite(way.new.value)]
    if known:
        best = max(known, key=lambda way: way.new.value)
        left = [way for way in known if as_good(way.new, best.new, way.right_new, best.right_new, level=level)]
    quickest = min(_seconds(way) for way in left)
    quick = [way for way in left if _seconds(way) <= QUICK * quickest]
    rest = [way for way in left if way not in quick]
    return [*sorted(quick, key=lambda way: (-_or(steadiness(way), 0.0), way.bytes_each)), *rest]


def steadiness(way: Way) -> float:
    """Return the mean recall over the variations of inputs; NaN where none were varied."""
    return float(np.mean([size.value for size in way.varied.values()])) if way.varied else float("nan")


def as_good(
    one: Estimate,
    best: Estimate,
    right: ndarray | None = None,
    best_right: ndarray | None = None,
    *,
    level: float = 0.9,
) -> bool:
    """Return whether a share is not shown to be smaller than the best, or is smaller by less than SLACK.

    By the paired difference at this level where each answer of both is known; else by whether their intervals overlap.
    """
    if one.value >= best.value - SLACK:
        return True
    if right is not None and best_right is not None:
        return recall_difference(right, best_right, level=level).high >= 0
    return one.high >= best.low


def recall_rows(comparison: RecallComparison) -> list[dict[str, Any]]:
    """Return one row per way of each problem, with value and ends of what was measured."""
    rows: list[dict[str, Any]] = []
    for problem in comparison.problems:
        for way in problem.ways:
            row: dict[str, Any] = {"problem": problem.name, "way": way.name, **way.recall.cells("recall")}
            for part, size in way.parts.items():
                row |= size.cells(f"recall: {part}")
            row |= (
                way.new.cells("new data")
                | way.leakage.cells("leakage")
                | way.leakage_of_answers.cells("leakage of answers")
            )
            for variation, size in way.varied.items():
                row |= size.cells(f"recall with {variation}")
            row |= {"bytes each": _number(way.bytes_each), "seconds each": _number(way.seconds_each)}
            for name, change in (("update", way.update), ("deletion", way.deletion)):
                if change is not None:
                    row |= change.seconds.cells(f"{name} seconds") | change.works.cells(f"after {name}")
                    row |= change.cost.cells(f"new data after {name}") | change.lost.cells(f"lost by {name}")
            rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


def _steadiest(problem: Problem) -> Way | None:
    varied = [way for way in problem.ways if way.varied]
    return max(varied, key=steadiness) if varied else None


def _seconds(way: Way) -> float:
    return _or(way.update.seconds.value if way.update is not None else float("nan"), float("inf"))


def _or(value: float, otherwise: float) -> float:
    return value if np.isfinite(value) else otherwise


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
