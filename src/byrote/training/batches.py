"""Batches of runs that are trained side by side: which example is in which, without padding, so that no run touches another's."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray


@dataclass(frozen=True)
class BatchPart:
    """Consecutive runs of a pack whose batches have equally many examples: `size` each, in these rows."""

    runs: slice
    rows: slice
    size: int


@dataclass(frozen=True, eq=False)
class Timetable:
    """How the members of a pack's runs are presented in an epoch.

    `batches` are those of an epoch, in order. A row is one presentation: `place` says which example it presents, as a
    position in the runs' shuffled members laid end to end, and `run` to which run.
    """

    batches: tuple[tuple[BatchPart, ...], ...]
    place: Int[ndarray, " row"]
    run: Int[ndarray, " row"]


def equally_long(counts: Int[ndarray, " run"], batch_size: int) -> list[NDArray[np.int64]]:
    """Return the runs that can be trained side by side: those that have equally many batches, the largest first.

    In that order, runs whose batch has the same size are neighbours at every update: batches of a run differ by one
    example at most, and are never smaller than those of a run with fewer members.
    """
    batches = -(-counts // batch_size)
    found = [np.flatnonzero(batches == number) for number in np.unique(batches)]
    return [runs[np.argsort(-counts[runs], kind="stable")] for runs in found]


def timetable(counts: Int[ndarray, " run"], batch_size: int) -> Timetable:
    """Return the timetable of runs with this many members each, largest first, which have equally many batches."""
    number = int(-(-counts[0] // batch_size))
    least, larger = np.divmod(counts, number)
    first = np.cumsum(counts) - counts
    batches: list[tuple[BatchPart, ...]] = []
    places: list[Int[ndarray, " row"]] = []
    runs: list[Int[ndarray, " row"]] = []
    done = 0
    for at in range(number):
        sizes = least + (at < larger)
        start = first + at * least + np.minimum(at, larger)
        edges = [0, *(np.flatnonzero(np.diff(sizes)) + 1), len(counts)]
        parts: list[BatchPart] = []
        for low, high in pairwise(edges):
            size = int(sizes[low])
            places.append((start[low:high, None] + np.arange(size)).ravel())
            runs.append(np.repeat(np.arange(low, high), size))
            parts.append(BatchPart(slice(int(low), int(high)), slice(done, done + len(places[-1])), size))
            done += len(places[-1])
        batches.append(tuple(parts))
    return Timetable(tuple(batches), np.concatenate(places), np.concatenate(runs))
