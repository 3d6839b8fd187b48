"""Which pairs of a source and a target have a large influence with an interval above 0: all counted, the strongest kept."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray
from numpy.typing import NDArray
from scipy import special

from byrote.evidence.evaluate import LEVEL
from byrote.scores import influence
from byrote.scores._contrast import difference, welch
from byrote.stats.intervals import newcombe

INFLUENTIAL = 0.15
"""Influence from which a pair counts, if its interval lies above 0 (Feldman & Zhang 2020)."""

BLOCK = 512
"""Targets at a time, fewer where BLOCK_BYTES would be exceeded."""

BLOCK_BYTES = 1 << 26
"""Size of the largest temporary array: 64 MiB."""

KEPT = 2000
"""Pairs that are kept at most; all that pass are counted."""

GRID = 1000
"""Influences are counted in bins of width 1 / GRID."""

Listed = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Pairs that are listed: the number of the source and of the target of each."""


@dataclass(frozen=True, eq=False)
class Strongest:
    """Pairs that pass, strongest first: the number of the source and of the target, and the influence with its interval."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def least(self) -> float:
        """The influence below which no further pair is among the KEPT strongest."""
        return float(self.value[-1]) if len(self.value) == KEPT else -np.inf

    def and_of(self, other: "Strongest") -> "Strongest":
        """Return the KEPT strongest of both; ties keep their order."""
        value, low = np.append(self.value, other.value), np.append(self.low, other.low)
        order = np.lexsort((-low, -value))[:KEPT]
        return Strongest(
            np.append(self.row, other.row)[order],
            np.append(self.column, other.column)[order],
            value[order],
            low[order],
            np.append(self.high, other.high)[order],
        )


NONE = Strongest(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Passing:
    """The pairs that pass: the KEPT strongest, and all of them counted.

    `count` is by influence, in bins of width 1 / GRID, and `of_target` by target.
    """

    strongest: Strongest
    count: NDArray[np.float64]
    of_target: NDArray[np.int64]


def passing(
    outcome: Shaped[ndarray, "run target"],
    member: Bool[ndarray, "run source"],
    pairs: Listed | None,
    same: Listed,
    *,
    keep: bool = True,
) -> Passing:
    """Return the pairs that pass both thresholds: of those in `pairs`, or (None) of every source and target but the `same`.

    Without `keep` they are counted only.
    """
    strongest, count, of_target = NONE, np.zeros(GRID + 1), np.zeros(outcome.shape[1], np.int64)
    if pairs is not None:
        blocks = _listed(outcome, member, pairs)
    elif outcome.dtype == np.bool_:
        blocks = _every_right_or_wrong(outcome, member, same)
    else:
        blocks = _every_number(outcome, member, same)
    for row, column, value in blocks:
        count += np.bincount(on_grid(value), minlength=GRID + 1)
        of_target += np.bincount(column, minlength=len(of_target))
        if keep and len(value):
            least = np.partition(value, len(value) - KEPT)[len(value) - KEPT] if len(value) > KEPT else -np.inf
            large = value >= max(least, strongest.least)
            row, column = row[large], column[large]
            strongest = strongest.and_of(Strongest(row, column, *estimated(outcome, member, row, column)))
    return Passing(strongest, count, of_target)


def on_grid(value: NDArray[np.float64] | float) -> NDArray[np.int64]:
    """Return the bin of each influence."""
    return np.clip(np.rint(np.asarray(value) * GRID), 0, GRID).astype(np.int64)  # influence on numbers may exceed 1


def least_right(runs: int, runs_in: Int[ndarray, " count"]) -> Int[ndarray, "count right"]:
    """Return how many of the IN runs must be right at least for a pair to pass, by IN runs and by all runs that are right.

    It is `runs` + 1 where no number is enough. If a number of right IN runs is enough, so is every larger one: it makes the
    difference larger and moves its interval up.
    """
    right, inside = np.arange(runs + 1), runs_in[:, None]
    low = np.maximum(right - (runs - inside), 0)
    none = np.minimum(right, inside) + 1  # one more than there can be
    high = none
    while (low < high).any():  # bisection: `high` is enough or `none`, and nothing below `low` is enough
        middle = (low + high) // 2
        enough = _is_enough(np.minimum(middle, none - 1), inside, right, runs) | (middle >= high)
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return np.where(high == none, runs + 1, high)


def expected_by_chance(
    outcome: Bool[ndarray, "run target"], member: Bool[ndarray, "run source"], same: Listed
) -> NDArray[np.float64]:
    """Return how many pairs pass on average over all orders of the runs, by influence in bins of width 1 / GRID.

    In a random order of the runs, the number of IN runs that are right has the hypergeometric distribution, whatever pair it
    is. So this is what shuffling the runs would give after infinitely many shuffles, without any.
    """
    runs, found = len(outcome), np.zeros(GRID + 1)
    inside, right = np.count_nonzero(member, axis=0), np.count_nonzero(outcome, axis=0)
    counts, of_count = np.unique(inside, return_counts=True)
    of_right, hits = np.bincount(right, minlength=runs + 1), np.arange(runs + 1)[:, None]
    for runs_in, sources, least in zip(counts.tolist(), of_count, least_right(runs, counts), strict=True):
        own = same[1][inside[same[0]] == runs_in]
        pairs = sources * of_right - np.bincount(right[own], minlength=runs + 1)
        of, all_right = np.nonzero((hits >= least) & (hits <= np.minimum(runs_in, np.arange(runs + 1))))
        ways = _log_ways(all_right, of) + _log_ways(runs - all_right, runs_in - of) - _log_ways(runs, runs_in)
        value = of / runs_in - (all_right - of) / (runs - runs_in)
        found += np.bincount(on_grid(value), pairs[all_right] * np.exp(ways), minlength=GRID + 1)
    return found


def _log_ways(n: NDArray[np.int64] | int, k: NDArray[np.int64] | int) -> NDArray[np.float64]:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def estimated(
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
    with np.errstate(invalid="ignore", divide="ignore"):  # a source that was in every run, or in none, has no influence
        return right_in / runs_in - right_out / runs_out, low, high


Found = Iterator[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]]
"""Source, target and influence of pairs that pass, some at a time."""


def _every_right_or_wrong(
    outcome: Bool[ndarray, "run target"], member: Bool[ndarray, "run source"], same: Listed
) -> Found:
    """Yield the pairs that pass: how many IN runs are right decides, given how many runs are in and how many are right."""
    runs, (counts, kind) = len(outcome), np.unique(np.count_nonzero(member, axis=0), return_inverse=True)
    least = least_right(runs, counts).astype(np.float32)
    right = np.count_nonzero(outcome, axis=0)
    inside, answers = member.T.astype(np.float32), outcome.astype(np.float32)
    for part in _parts(outcome, member):
        right_in = inside @ answers[:, part]  # exact: counts below 2^24
        large = right_in >= least[kind][:, right[part]] if len(counts) > 1 else right_in >= least[0][right[part]]
        row, column = _without(large, part, same)
        hits, runs_in = right_in[row, column - part.start].astype(np.int64), counts[kind[row]]
        with np.errstate(invalid="ignore", divide="ignore"):
            yield row, column, hits / runs_in - (right[column] - hits) / (runs - runs_in)


def _every_number(outcome: Float[ndarray, "run target"], member: Bool[ndarray, "run source"], same: Listed) -> Found:
    for part in _parts(outcome, member):
        row, column = _without(influence(outcome[:, part], member) >= INFLUENTIAL, part, same)
        value, low, _ = estimated(outcome, member, row, column)
        yield row[low > 0], column[low > 0], value[low > 0]


def _listed(outcome: Shaped[ndarray, "run target"], member: Bool[ndarray, "run source"], pairs: Listed) -> Found:
    rows, columns = pairs
    size = max(1, BLOCK_BYTES // (8 * len(outcome)))
    for start in range(0, len(rows), size):
        row, column = rows[start : start + size], columns[start : start + size]
        value, low, _ = estimated(outcome, member, row, column)
        passes = (value >= INFLUENTIAL) & (low > 0)
        yield row[passes], column[passes], value[passes]


def _parts(outcome: Shaped[ndarray, "run target"], member: Bool[ndarray, "run source"]) -> Iterator[slice]:
    size = min(BLOCK, max(1, BLOCK_BYTES // (4 * max(member.shape[1], 1))))
    for start in range(0, outcome.shape[1], size):
        yield slice(start, start + size)


def _without(large: Bool[ndarray, "source target"], part: slice, same: Listed) -> Listed:
    """Return the pairs that are large in this part, but for those of an example with itself."""
    within = (same[1] >= part.start) & (same[1] < part.stop)
    large[same[0][within], same[1][within] - part.start] = False
    row, column = np.nonzero(large)
    return row, column + part.start


def _is_enough(
    right_in: Int[ndarray, "count right"], runs_in: Int[ndarray, "count 1"], right: Int[ndarray, " right"], runs: int
) -> Bool[ndarray, "count right"]:
    runs_out = runs - runs_in
    low, _ = newcombe(right_in, runs_in, right - right_in, runs_out, level=LEVEL)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = right_in / runs_in - (right - right_in) / runs_out
    return (value >= INFLUENTIAL) & (low > 0)
