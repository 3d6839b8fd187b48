"""Factorial: two-level designs of experiments, what they cannot tell apart, and how a budget of runs is spent.

Fractional factorials: Box & Hunter, 1961, Technometrics 3. Plackett & Burman, 1946, Biometrika 33. Designs are pydoe's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData

SIZES = (0.25, 0.5, 0.75)
"""Shares of the examples in the size sweep, besides all of them."""

WIDTHS = (0.25, 0.5, 2.0, 4.0)
"""Widths in the capacity sweep, in those of the model as it is, which is there too."""

LEAST = 2
"""Runs of each cell, at least: one has no interval."""


@dataclass(frozen=True, eq=False)
class Factorial:
    """A two-level design: `levels[cell, factor]` is -1 or 1, and the first cell is the task as it is.

    `resolution` III: main effects cannot be told from interactions of two factors. IV: only interactions from each other.
    V: neither. 0: all combinations, nothing is mixed. `partial` says that interactions are mixed with main effects in part,
    as in a design of Plackett and Burman.
    """

    levels: Int[ndarray, "cell factor"]
    resolution: int
    partial: bool = False

    def interactions(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Return the interactions of two in groups that the design cannot tell apart, without those mixed with factors."""
        if self.partial:
            return ()
        mains = {_pattern(column) for column in self.levels.T}
        groups: dict[bytes, list[tuple[int, int]]] = {}
        for first, second in combinations(range(self.levels.shape[1]), 2):
            product = self.levels[:, first] * self.levels[:, second]
            if abs(product.sum()) < len(product) and _pattern(product) not in mains:
                groups.setdefault(_pattern(product), []).append((first, second))
        return tuple(map(tuple, groups.values()))

    def mixed(self) -> dict[int, tuple[tuple[int, int], ...]]:
        """Return the interactions of two others that each factor cannot be told from; empty from resolution IV on."""
        found: dict[int, tuple[tuple[int, int], ...]] = {}
        for factor, column in enumerate(self.levels.T):
            pairs = tuple(
                (first, second)
                for first, second in combinations(range(self.levels.shape[1]), 2)
                if factor not in (first, second) and self._correlated(first, second, column)
            )
            if pairs:
                found[factor] = pairs
        return found

    def _correlated(self, first: int, second: int, column: Int[ndarray, " cell"]) -> bool:
        return bool((self.levels[:, first] * self.levels[:, second]) @ column)

    def aliases(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return in words what cannot be told from what."""

        def spelled(pair: tuple[int, int]) -> str:
            return f"{names[pair[0]]} x {names[pair[1]]}"

        if self.partial:
            return (
                "Each factor is mixed in part with every interaction of two others (a design of Plackett and Burman): an "
                "effect may be that of interactions.",
            )
        mains = [
            f"{names[factor]} cannot be told from {' or '.join(map(spelled, pairs))}"
            for factor, pairs in self.mixed().items()
        ]
        groups = [
            f"{spelled(group[0])} cannot be told from {' or '.join(map(spelled, group[1:]))}"
            for group in self.interactions()
            if len(group) > 1
        ]
        return (*mains, *groups)


@dataclass(frozen=True, eq=False)
class Budget:
    """How a budget is spent: a design, `runs` runs of each cell, and which sweeps it is enough for."""

    design: Factorial
    runs: int
    sizes: tuple[float, ...]
    widths: tuple[float, ...]
    left_out: tuple[str, ...]


def factorial(as_is: Sequence[int], resolution: int) -> Factorial:
    """Return the smallest two-level design of this resolution (3 to 5) for so many factors, whose first cell is `as_is`.

    Where a design of Plackett and Burman is smaller than a fraction of resolution III, it is taken. Of one or two factors
    there are all combinations.
    """
    import pydoe

    count = len(as_is)
    if count < 3:
        levels, found = pydoe.ff2n(count), 0
    else:
        levels, found = pydoe.fracfact_by_res(count, resolution), resolution
        if len(levels) >= 2**count:
            levels, found = pydoe.ff2n(count), 0
        burman = pydoe.pbdesign(count)
        if resolution == 3 and len(burman) < len(levels):
            return _turned(burman, as_is, 3, partial=True)
    return _turned(levels, as_is, found, partial=False)


def spend(as_is: Sequence[int], runs: int, *, can_size: bool, can_widen: bool) -> Budget:
    """Return how a budget of runs is spent; raise InvalidData, with the smallest that would do, when it is too small.

    Preferred, in this order: resolution V with both sweeps and four runs of each cell; IV with both and three; III with both
    and three; IV without sweeps and three; III without and two.
    """
    if not as_is:
        raise InvalidData("No factor can be examined on this task, so there is no experiment. See what each one needs.")
    sweeps = (3 if can_size else 0) + (4 if can_widen else 0)
    both = (SIZES if can_size else (), WIDTHS if can_widen else ())
    for resolution, extra, least in ((5, sweeps, 4), (4, sweeps, 3), (3, sweeps, 3), (4, 0, 3), (3, 0, LEAST)):
        design = factorial(as_is, resolution)
        each = runs // (len(design.levels) + extra)
        if each >= least:
            sizes, widths = both if extra else ((), ())
            left = () if extra or not sweeps else (_without_sweeps(design, runs, sweeps, as_is),)
            return Budget(design, each, sizes, widths, left)
    smallest = LEAST * len(factorial(as_is, 3).levels)
    raise InvalidData(
        f"{runs} runs are too few for {len(as_is)} factors: the smallest design has {smallest // LEAST} cells of {LEAST} runs. "
        f"Give {smallest} runs or more, or fewer factors."
    )


def _without_sweeps(design: Factorial, runs: int, sweeps: int, as_is: Sequence[int]) -> str:
    enough = 3 * (len(factorial(as_is, 3).levels) + sweeps)
    return f"Sweeps of data and width were left out: {runs} runs are not enough for them. {enough} or more would be."


def _turned(levels: ndarray, as_is: Sequence[int], resolution: int, *, partial: bool) -> Factorial:
    """Turn signs so that one cell is the task as it is, and put it first. That changes no alias but its sign."""
    whole = np.rint(levels).astype(np.int64)
    return Factorial(whole * whole[0] * np.array(as_is, np.int64), resolution, partial)


def _pattern(column: Int[ndarray, " cell"]) -> bytes:
    """Return the same for a column and its opposite."""
    return (column * column[0]).astype(np.int8).tobytes()
