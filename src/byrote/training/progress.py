"""Progress: how far a collection is, and how well memorization is known by now."""

from collections.abc import Callable
from dataclasses import dataclass

from byrote.summaries.forecast import Forecast


@dataclass(frozen=True)
class Progress:
    """How far a collection is, of the runs that were missing when it began.

    `steps` of `of_steps` are done, and `runs` of `of_runs`; `finished` are the runs that are new since the last time.
    `forecast` says how well memorization is known, where that is followed (None: it is not, or there are too few runs).
    """

    steps: int
    of_steps: int
    runs: int
    of_runs: int
    finished: tuple[int, ...] = ()
    forecast: Forecast | None = None


Watcher = Callable[[Progress], None]
"""Called every fifth of a second or so while runs are trained."""
