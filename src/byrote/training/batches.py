"""Who sees whom when: the batches of runs that are trained side by side, without padding, so that no run touches another's."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int
from numpy import ndarray


@dataclass(frozen=True)
class Part:
    """Consecutive runs of a pack that see equally many examples in one optimizer step: `size` each, in these rows."""

    runs: slice
    rows: slice
    size: int


@dataclass(frozen=True, eq=False)
class Timetable:
    """How the members of a pack's runs are presented in an epoch.

    `steps` are the optimizer steps. A row is one presentation: `place` says whom it presents, as a position in the
    runs' shuffled members laid end to end, and `run` to which run.
    """

    steps: tuple[tuple[Part, ...], ...]
    place: Int[ndarray, " row"]
    run: Int[ndarray, " row"]


def side_by_side(counts: Int[ndarray, " run"], batch_size: int) -> list[Int[ndarray, " run"]]:
    """Return the runs that can be trained side by side: those that take equally many optimizer steps, the largest first.

    In that order, runs whose batch has the same size are neighbours in every step: batches of a run differ by one
    example at most, and are never smaller than those of a run with fewer members.
    """
    steps = -(-counts // batch_size)
    found = [np.flatnonzero(steps == number) for number in np.unique(steps)]
    return [runs[np.argsort(-counts[runs], kind="stable")] for runs in found]


def timetable(counts: Int[ndarray, " run"], batch_size: int) -> Timetable:
    """Return the timetable of runs with this many members each, largest first, which take equally many optimizer steps."""
    number = int(-(-counts[0] // batch_size))
    least, larger = np.divmod(counts, number)
    first = np.cumsum(counts) - counts
    steps: list[tuple[Part, ...]] = []
    places: list[Int[ndarray, " row"]] = []
    runs: list[Int[ndarray, " row"]] = []
    done = 0
    for step in range(number):
        sizes = least + (step < larger)
        start = first + step * least + np.minimum(step, larger)
        edges = [0, *(np.flatnonzero(np.diff(sizes)) + 1), len(counts)]
        parts: list[Part] = []
        for low, high in pairwise(edges):
            size = int(sizes[low])
            places.append((start[low:high, None] + np.arange(size)).ravel())
            runs.append(np.repeat(np.arange(low, high), size))
            parts.append(Part(slice(int(low), int(high)), slice(done, done + len(places[-1])), size))
            done += len(places[-1])
        steps.append(tuple(parts))
    return Timetable(tuple(steps), np.concatenate(places), np.concatenate(runs))
