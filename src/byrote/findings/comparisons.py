"""Comparisons of examples with each other by their inputs: no model has a part in them, so they can be made while models train."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from byrote.explain import Contaminated, CopyCheck, Space, check_copies, contaminated, space
from byrote.findings.copies import sampled_tests
from byrote.record import Population


@dataclass(frozen=True, eq=False)
class Comparisons:
    """What the report says of the examples of a record by their inputs alone. Each part is computed when it is first needed."""

    population: Population

    @cached_property
    def points(self) -> Space:
        """The examples as points, with the usual distances of each class."""
        return space(self.population)

    @cached_property
    def checks(self) -> tuple[CopyCheck, ...]:
        """How many planted copies are found, of each kind; none where there are no training examples or inputs."""
        return check_copies(self.population, points=self.points) if len(self.points.train) else ()

    @cached_property
    def contaminated(self) -> Sequence[Contaminated]:
        """The test examples with a near-duplicate in the training set, of those that are compared; none without inputs."""
        tests = sampled_tests(self.population)
        return [] if self.points.empty else contaminated(self.population, points=self.points, tests=tests)

    def complete(self) -> "Comparisons":
        """Compute all parts now, and return them."""
        _ = self.checks, self.contaminated
        return self
