"""Extending: add runs in small blocks until enough is known, and stop at the first block after which it is."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from byrote.objectives import Objective
from byrote.record import Record, finished_runs, read_manifest
from byrote.record.storage import Place
from byrote.task.designs import LEAST_RUNS, Design, KFold, Subsets, Together
from byrote.training.deletion import naming_deletion
from byrote.training.progress import Progress
from byrote.training.until import Until

if TYPE_CHECKING:
    from byrote.evidence.certainty import Certainty, Following

logger = logging.getLogger("byrote")

FIRST_STAGE = 16
"""Runs that are planned at first: workers go on with them while the first ones are looked at."""

GROWTH = 2
"""A forecast from few runs is rough, so no stage more than doubles the runs."""

BLOCKS = 8
"""A block is an eighth of the runs before it, at most: so many are too many when it turns out that fewer had been enough."""

MOST = 200
"""Runs that are trained at most where no number is given."""

PAUSE = 1.1
"""Runs grow by this factor between two looks at what they say, at least."""


class Enough(Exception):
    """What had to be known is known: training ends here, and unfinished runs are given up."""


def divide(planned: int, wanted: int, design: Design, groups: NDArray[np.str_], *, packs: bool) -> list[int]:
    """Return blocks that extend `planned` runs to `wanted`; after each, all examples are in the same number of runs, up to one.

    The first is the smallest in which every example is both in a run and left out of one; the others are as small as the
    design allows, up to one in BLOCKS of what there is. With `packs` (a GPU trains several models in the time of one), each
    block doubles the runs.
    """
    first, unit = _sizes(design, groups)
    blocks: list[int] = []
    while planned < wanted:
        size = first if not planned else max(1, (planned if packs else planned // BLOCKS) // unit) * unit
        blocks.append(size if unit > 1 else min(size, wanted - planned))
        planned += blocks[-1]
    return blocks


def _sizes(design: Design, groups: NDArray[np.str_]) -> tuple[int, int]:
    """Return the sizes of the first block, and what further blocks are multiples of."""
    if isinstance(design, Subsets | Together):
        return max(LEAST_RUNS, int(np.ceil(1 / min(design.fraction, 1 - design.fraction) - 1e-9))), 1
    unit = design.folds if isinstance(design, KFold) else design.default_runs(groups)
    return -(-LEAST_RUNS // unit) * unit, unit


def extend(gather: Callable[[int], Record], looks: "Looks", until: Until, most: int | None) -> Record:
    """Call `gather` with more and more runs in all until enough is known, or there are `most` (None: MOST); it may end earlier.

    What is planned in an interrupted collection is finished first. Then there are at least FIRST_STAGE runs, and as many as
    the forecast asks for.
    """
    record, most = gather(0), MOST if most is None else most
    while not looks.enough(until, now=True):
        there, planned = len(record.runs), sum(read_manifest(record.directory)["blocks"])
        if there >= most:
            logger.warning(
                "With %d runs, the most that may be trained, %s is not reached. Allow more to go on.", there, until
            )
            break
        if there >= planned:
            needed = until.runs_for(looks.certainty) if looks.certainty else None
            planned = max(FIRST_STAGE, planned + 1, min(needed or GROWTH * planned, GROWTH * planned))
        record = gather(min(planned, most))
    return record


def expected(now: Progress, until: Until, found: "Certainty | None", *, enough: bool) -> Progress:
    """Return the progress towards the runs that the forecast asks for, instead of those that are planned, and what is known."""
    now = now if found is None else replace(now, known=until.known(found))
    if enough:
        return replace(now, steps=now.steps or 1, of_steps=now.steps or 1, of_runs=now.runs)
    needed = None if found is None else until.runs_for(found)
    if found is None or needed is None or not now.of_runs:
        return now
    left = max(1, needed - found.runs)
    runs = min(now.of_runs, now.runs + left)
    return replace(now, of_steps=max(now.steps, now.of_steps * runs // now.of_runs), of_runs=runs)


class Looks:
    """Looks at the finished runs of a directory now and then: what they say about memorization, and whether it is enough."""

    def __init__(self, directory: Place, objective: Objective) -> None:
        self.directory, self.follows = directory, objective.outcome == "correct"
        self.certainty: Certainty | None = None
        self._following: Following | None = None

    def look(self, runs: Sequence[int], *, now: bool = False) -> "Certainty | None":
        """Return what these runs say, or what fewer of them said when there are few new ones and it need not be `now`.

        Raises ByroteError when the directory is deleted meanwhile.
        """
        before = self.certainty.runs if self.certainty else 0
        due = len(runs) > before if now else len(runs) >= max(LEAST_RUNS, PAUSE * before, before + 1)
        if self.follows and due:
            from byrote.evidence.certainty import Following  # takes half a second, in which workers train already

            with naming_deletion(self.directory):
                self._following = self._following or Following(Record(self.directory))
                self.certainty = self._following.certainty(runs)
        return self.certainty

    def shared(self, record: Record) -> Record:
        """Return the record with the examples that were read for the looks: what is known of them is not computed again."""
        if self._following is not None:
            record.population = self._following.record.population
        return record

    def enough(self, until: Until, *, now: bool = False) -> bool:
        """Return whether the finished runs are whole blocks and what has to be known is known; `now` asks at any number."""
        runs = finished_runs(self.directory)
        if not now and not (len(runs) in np.cumsum(read_manifest(self.directory)["blocks"]) and max(runs) < len(runs)):
            return False
        found = self.look(runs, now=now)
        return found is not None and found.runs == len(runs) and until.holds(found)
