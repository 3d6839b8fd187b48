"""Copies in the test set: how many there are, what they do to the test accuracy, and which copies the search misses."""

from dataclasses import dataclass

import numpy as np

from byrote.errors import MissingEvidence
from byrote.explain import Contamination, CopyCheck, Space, contamination
from byrote.findings.cause_check import RulePrecision, copy_rule
from byrote.record import Record
from byrote.stats.not_measured import NotMeasured

COMPARED = 50_000_000
"""Pairs of a test and a training example that are compared at most. Beyond that, a random sample of test examples is taken."""

HALF = 0.5
"""Kinds of copies of which less than this share is found are listed as missed."""

CHANGES = {
    "exact": "nothing",
    "noise": "noise with a standard deviation of 0.02",
    "brighter": "every value times 1.05",
    "blend": "not a copy: the mean of two training examples of one class",
    "shifted": "moved by one pixel",
    "mirrored": "left and right swapped",
    "shifted by two": "moved by two pixels",
}
"""What was changed in a planted copy, by kind."""


@dataclass(frozen=True)
class Copies:
    """Test examples with a near-duplicate among the training examples, and how well near-duplicates are found.

    `looked_at` of the `tests` test examples were compared with every training example; `found` is about these.
    `checks` says which kinds of planted copies are found, and `rule` summarizes that.
    """

    tests: int
    looked_at: int
    found: Contamination
    checks: tuple[CopyCheck, ...]
    rule: RulePrecision

    @property
    def missed(self) -> tuple[str, ...]:
        """The kinds of copies of which most are missed."""
        return tuple(each.kind for each in self.checks if each.is_copy and each.found.value < HALF)


def read_copies(record: Record, points: Space, checks: tuple[CopyCheck, ...], *, seed: int = 0) -> Copies | NotMeasured:
    """Return the copies in the test set, or why they are unknown; of a random sample (by `seed`) where pairs are many."""
    population = record.population
    tests = np.flatnonzero(population.where("test"))
    if not len(tests):
        return NotMeasured("This record has no test examples.")
    most = max(1, COMPARED // max(len(points.train), 1))
    sample = np.sort(np.random.default_rng(seed).permutation(tests)[:most])
    try:
        found = contamination(record, points=points, tests=sample)
    except MissingEvidence as error:
        return NotMeasured.because(error)
    return Copies(len(tests), len(sample), found, checks, copy_rule(checks))
