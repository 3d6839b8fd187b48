"""Dependents: examples that models get right more often when another example was in the training set.

Feldman & Zhang, 2020, arXiv:2008.03703 (influence at .15 and more of examples memorized at .25 and more).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray
from numpy.typing import NDArray

from byrote.arrays import checked
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import Outcomes
from byrote.explain.look_alikes import look_alikes
from byrote.explain.neighbours import Space
from byrote.record import Population
from byrote.scores import influence
from byrote.scores._contrast import difference, welch
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import newcombe

MEMORIZED = 0.25
"""Memorization from which a training example is considered as a source (Feldman & Zhang 2020)."""

INFLUENTIAL = 0.15
"""Influence from which a pair counts, if its interval lies above 0 (Feldman & Zhang 2020)."""

SHUFFLES = 20
"""Shuffles of the runs, which count the pairs that pass by chance."""

BLOCK = 512
"""Targets at a time. Memory is bounded by sources x BLOCK, and one byte per pair where only look-alikes are considered."""

KEPT = 2000
"""Pairs that are listed at most; all that pass are counted."""

GRID = 1000
"""Influences are counted in bins of width 1 / GRID."""


@dataclass(frozen=True)
class Dependence:
    """`target` is more often right in models trained on `source`; both are positions. An influence of 1: only then."""

    source: int
    target: int
    influence: Estimate


@dataclass(frozen=True, eq=False)
class Dependences:
    """The strongest pairs that pass the thresholds, and how many would pass by chance alone.

    `considered` pairs were tested; `pairs` lists the KEPT strongest that passed, strongest first. `passed` counts
    all of them by influence, in bins of width 1 / GRID, and `chance` counts those that pass when the runs are
    shuffled, so that no example depends on another: the mean over SHUFFLES shuffles. A list no longer than that is noise.
    """

    pairs: tuple[Dependence, ...]
    considered: int
    passed: Float[ndarray, " influence"]
    chance: Float[ndarray, " influence"]

    @property
    def found(self) -> int:
        """How many pairs passed, listed or not."""
        return int(self.passed.sum())

    @property
    def by_chance(self) -> float:
        """How many pairs pass by chance: the mean over shuffles."""
        return float(self.chance.sum())

    def false_share(self, most: int | None = None) -> float:
        """Return the expected share of false pairs among the `most` strongest (None: all). 1 is noise; NaN without a pair."""
        if not self.pairs:
            return float("nan")
        least = 0 if most is None else int(_grid(self.pairs[:most][-1].influence.value))
        return float(min(self.chance[least:].sum() / self.passed[least:].sum(), 1.0))


NO_DEPENDENCES = Dependences((), 0, np.zeros(GRID + 1), np.zeros(GRID + 1))
"""No pair was tested."""


@checked
def find_dependences(
    population: Population,
    outcomes: Outcomes,
    sources: Int[ndarray, " source"],
    targets: Int[ndarray, " target"],
    space: Space | None,
    *,
    seed: int = 0,
) -> Dependences:
    """Return the pairs source -> target that pass the thresholds, and how many pass by chance.

    With few runs the largest of a million influences are mostly chance. Given a `space`, only look-alikes are
    considered: they are chosen by their inputs, so that far fewer pairs are tested; None considers every pair. A pair of an
    example with itself is never considered.
    """
    alike = None if space is None else look_alikes(population, space, sources, targets)
    itself = int(np.isin(targets, sources).sum())
    considered = len(sources) * len(targets) - itself if alike is None else int(alike.sum())
    if not considered:
        return NO_DEPENDENCES
    member, outcome = outcomes.member[:, sources], outcomes.correct[:, targets]
    same = sources[:, None] == targets if itself else None
    passing = _passing(outcome, member, alike, same)
    rng = np.random.default_rng(seed)
    chance = np.zeros(GRID + 1)
    for _ in range(SHUFFLES):
        shuffled = outcome[rng.permutation(len(outcome))]
        chance += _count(_passing(shuffled, member, alike, same).value) / SHUFFLES
    pairs = _strongest(passing, sources, targets, len(outcome))
    return Dependences(pairs, considered, _count(passing.value), chance)


@dataclass(frozen=True, eq=False)
class _Passing:
    """Pairs that pass: row of the source, column of the target, and the influence with its interval."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def _strongest(
    passing: _Passing, sources: Int[ndarray, " source"], targets: Int[ndarray, " target"], runs: int
) -> tuple[Dependence, ...]:
    order = np.lexsort((-passing.low, -passing.value))[:KEPT]
    return tuple(
        Dependence(
            int(sources[passing.row[at]]),
            int(targets[passing.column[at]]),
            Estimate(float(passing.value[at]), float(passing.low[at]), float(passing.high[at]), runs, "run", LEVEL),
        )
        for at in order
    )


def _grid(value: NDArray[np.float64] | float) -> NDArray[np.int64]:
    return np.clip(np.rint(np.asarray(value) * GRID), 0, GRID).astype(np.int64)  # influence on numbers may exceed 1


def _count(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(_grid(values), minlength=GRID + 1).astype(np.float64)


def _passing(
    outcome: Shaped[ndarray, "run target"],
    member: Bool[ndarray, "run source"],
    alike: Bool[ndarray, "source target"] | None,
    same: Bool[ndarray, "source target"] | None,
) -> _Passing:
    """Return the pairs that are considered and pass both thresholds."""
    rows: list[NDArray[np.intp]] = []
    columns: list[NDArray[np.intp]] = []
    for start in range(0, outcome.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        large = influence(outcome[:, part], member) >= INFLUENTIAL
        if alike is not None:
            large &= alike[:, part]
        if same is not None:
            large &= ~same[:, part]
        row, column = np.nonzero(large)
        rows.append(row)
        columns.append(column + start)
    row, column = np.concatenate(rows), np.concatenate(columns)
    value, low, high = _estimate(outcome, member, row, column)
    sure = low > 0
    return _Passing(row[sure], column[sure], value[sure], low[sure], high[sure])


def _estimate(
    outcome: Shaped[ndarray, "run target"],
    member: Bool[ndarray, "run source"],
    rows: Int[ndarray, " pair"],
    columns: Int[ndarray, " pair"],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return influence and its interval (the score's own) for these pairs only."""
    if outcome.dtype != np.bool_:
        each = outcome[:, columns], member[:, rows]
        return difference(*each), *welch(*each, level=LEVEL)
    right_in = np.count_nonzero(outcome[:, columns] & member[:, rows], axis=0)
    runs_in = np.count_nonzero(member, axis=0)[rows]
    right_out = np.count_nonzero(outcome, axis=0)[columns] - right_in
    runs_out = len(outcome) - runs_in
    low, high = newcombe(right_in, runs_in, right_out, runs_out, level=LEVEL)
    return right_in / runs_in - right_out / runs_out, low, high
