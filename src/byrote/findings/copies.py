"""Copies in the test set: how many there are, what they do to the test accuracy, and which copies the search misses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import MissingEvidence
from byrote.explain import Contaminated, Contamination, CopyCheck, Space, contamination
from byrote.findings.cause_check import RulePrecision, copy_rule
from byrote.record import Population, Record
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


def read_copies(
    record: Record,
    points: Space,
    checks: tuple[CopyCheck, ...],
    *,
    found: Sequence[Contaminated] | None = None,
    seed: int = 0,
) -> Copies | NotMeasured:
    """Return the copies in the test set, or why they are unknown; of a random sample (by `seed`) where pairs are many.

    `found` are the contaminated ones among `sampled_tests`, if they are at hand.
    """
    population = record.population
    tests, sample = int(population.where("test").sum()), sampled_tests(population, seed=seed)
    if not tests:
        return NotMeasured("This record has no test examples.")
    try:
        of_sample = contamination(record, points=points, tests=sample, found=found)
    except MissingEvidence as error:
        return NotMeasured.because(error)
    return Copies(tests, len(sample), of_sample, checks, copy_rule(checks))


def sampled_tests(population: Population, *, seed: int = 0) -> Int[ndarray, " test"]:
    """Return the test examples that are compared with every training example: all, or as many as COMPARED allows, by `seed`."""
    most = max(1, COMPARED // max(int(population.where("train").sum()), 1))
    return np.sort(np.random.default_rng(seed).permutation(np.flatnonzero(population.where("test")))[:most])
