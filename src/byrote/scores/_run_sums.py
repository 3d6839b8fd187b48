"""Sums over groups of runs of what they say about each example, with it and without it."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

BEND = 2.0
"""Margins are bent (asinh) from so many standard deviations on: their spread grows with their size."""

FARTHEST = 1e6
"""The largest margin in bends; an infinite one counts as this."""

Values = Float[ndarray, " example"]


@dataclass(frozen=True)
class Sums:
    """Sums over some runs of one kind (with the example, or without it), one entry per example.

    `runs` and `right` count runs. `told`, `total` and `squares` are the number, sum and sum of squares of bent margins;
    `traced` and `easy` the number and sum of what training said in passing, for members.
    """

    runs: Values
    right: Values
    told: Values
    total: Values
    squares: Values
    traced: Values
    easy: Values

    def minus(self, other: "Sums") -> "Sums":
        """Return the sums over the runs that are not among those of `other`."""
        return Sums(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))

    @property
    def deviations(self) -> Values:
        """The squared deviations of the margins from their mean, summed."""
        return np.maximum(self.squares - self.total**2 / np.maximum(self.told, 1), 0.0)

    @property
    def variance(self) -> float:
        """The median variance of an example's margins; NaN where no example has two."""
        twice = self.told > 1
        return float(np.median(self.deviations[twice] / (self.told[twice] - 1))) if twice.any() else float("nan")


def together(parts: Iterable[Sums]) -> Sums:
    """Return the sums over all these groups of runs."""
    parts = list(parts)
    return Sums(*(np.sum([getattr(part, f.name) for part in parts], axis=0) for f in fields(Sums)))


def by_group(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    trace: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    groups: int,
) -> tuple[list[Sums], list[Sums]]:
    """Return the sums with and without each example, of at most `groups` groups of runs.

    Runs are ordered by what they say before they are dealt into groups, so that their numbers do not matter.
    """
    said = [np.sum(values, dtype=np.float64, where=np.isfinite(values)) for values in margin]
    order = np.lexsort((said, np.count_nonzero(correct, axis=1)))
    bend = _bend(margin, member, order)
    inside: list[Sums] = []
    outside: list[Sums] = []
    for group in range(min(groups, len(order))):
        chosen = order[group::groups]
        for sums, wanted in ((inside, True), (outside, False)):
            sums.append(_sum(correct, margin, trace, member, chosen, bend, wanted=wanted))
    return inside, outside


def _sum(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    trace: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    chosen: ndarray,
    bend: float,
    *,
    wanted: bool,
) -> Sums:
    sums = Sums(*np.zeros((len(fields(Sums)), correct.shape[1])))
    for run in chosen:
        who = member[run] == wanted
        with np.errstate(invalid="ignore"):
            bent = np.arcsinh(np.clip(margin[run].astype(np.float64) / bend, -FARTHEST, FARTHEST))
        told, traced = who & ~np.isnan(bent), who & ~np.isnan(trace[run])
        bent, easy = np.where(told, bent, 0.0), np.where(traced, trace[run], 0.0)
        for kept, more in zip(
            (getattr(sums, f.name) for f in fields(Sums)),
            (who, who & correct[run], told, bent, bent**2, traced, easy),
            strict=True,
        ):
            kept += more
    return sums


def _bend(margin: Float[ndarray, "run example"], member: Bool[ndarray, "run example"], order: ndarray) -> float:
    """Return the margin from which on margins are bent; from their size where no example has two of one kind."""
    for wanted in (False, True):
        n, total, squares = np.zeros((3, margin.shape[1]))
        for run in order:
            use = (member[run] == wanted) & np.isfinite(margin[run])
            kept = np.where(use, margin[run].astype(np.float64), 0.0)
            n, total, squares = n + use, total + kept, squares + kept**2
        twice = n > 1
        if twice.any():
            variance = np.median((squares - total**2 / np.maximum(n, 1))[twice] / (n[twice] - 1))
            if variance > 0:
                return float(BEND * np.sqrt(variance))
    sizes = np.abs(margin[np.isfinite(margin) & (margin != 0)])
    return float(np.median(sizes)) if sizes.size else 1.0
