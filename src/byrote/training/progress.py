"""Progress: how far a collection is, and how well memorization is known by now."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byrote.evidence.certainty import Certainty  # takes half a second to import, before training begins
    from byrote.record import Population

SECONDS = 10.0
"""Between lines, at least."""


@dataclass(frozen=True)
class Progress:
    """How far a collection is, of the runs that were missing when it began.

    `steps` of `of_steps` are done, and `runs` of `of_runs`; `finished` are the runs that are new since the last time.
    `before` runs were there already; the other counts leave them out.
    `certainty` says how well memorization is known, where that is followed (None: it is not, or there are too few runs).
    `known` says so in words, of what has to be known before training ends.
    `stage` names what goes on after training; there are no numbers then. `examples` are those of the record, once they were
    read for the first `certainty`: who needs them too does not have to read them again.
    """

    steps: int
    of_steps: int
    runs: int
    of_runs: int
    finished: tuple[int, ...] = ()
    certainty: "Certainty | None" = None
    known: str = ""
    stage: str = ""
    examples: "Population | None" = None
    before: int = 0

    @property
    def in_all(self) -> tuple[int, int]:
        """The runs that are finished, and how many there will be, with those that were there already."""
        return self.before + self.runs, self.before + self.of_runs

    @property
    def share(self) -> float:
        """The share of the work that is done, from 0 to 1, with the runs that were there already."""
        missing = self.steps / self.of_steps if self.of_steps else 0.0
        whole = self.before + self.of_runs
        return (self.before + missing * self.of_runs) / whole if whole else missing


class Lines:
    """Prints a line on stderr now and then: first after ten seconds, then at intervals that grow."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.next = self.start + SECONDS

    def __call__(self, now: Progress) -> None:
        """Print how far the runs are, and about how long the others take."""
        moment = time.monotonic()
        if moment < self.next or not now.steps:
            return
        left = (moment - self.start) * (now.of_steps - now.steps) / now.steps
        done, whole = now.in_all
        print(f"byrote: {done} of {whole} runs are trained, about {spell_seconds(left)} left", file=sys.stderr)
        self.next = moment + max(SECONDS, (moment - self.start) / 4)


def spell_seconds(seconds: float) -> str:
    """Return a duration as one reads it: `40 seconds`, `12 minutes`, `3.5 hours`."""
    if seconds < 90:
        return "1 second" if seconds < 1.5 else f"{round(seconds)} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


Watcher = Callable[[Progress], None]
"""Called every fifth of a second or so while runs are trained."""
