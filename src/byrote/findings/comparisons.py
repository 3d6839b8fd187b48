"""Comparisons of examples with each other by their inputs: no model has a part in them, so they can be made before any is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from byrote.explain import Contaminated, CopyCheck, Space, contaminated, space
from byrote.explain.planted import plant_copies
from byrote.findings.copies import sampled_tests
from byrote.record import Population


@dataclass(frozen=True, eq=False)
class Comparisons:
    """What the report says of the examples of a record by their inputs alone. Each part is computed when it is first needed."""

    population: Population

    @property
    def points(self) -> Space:
        """The examples as points, with the usual distances of each class."""
        return self._points_and_checks[0]

    @property
    def checks(self) -> tuple[CopyCheck, ...]:
        """How many planted copies are found, of each kind; none where there are no training examples or inputs."""
        return self._points_and_checks[1]

    @cached_property
    def _points_and_checks(self) -> tuple[Space, tuple[CopyCheck, ...]]:
        planted = plant_copies(self.population)
        if planted is None:
            return space(self.population), ()
        points = space(planted.population)  # once, for the examples and what was planted: points take much memory
        return points.first(len(self.population)), planted.check(points)

    @cached_property
    def contaminated(self) -> Sequence[Contaminated]:
        """The test examples with a near-duplicate in the training set, of those that are compared; none without inputs."""
        tests = sampled_tests(self.population)
        return [] if self.points.empty else contaminated(self.population, points=self.points, tests=tests)

    def complete(self) -> "Comparisons":
        """Compute all parts now, and return them."""
        _ = self.checks, self.contaminated
        return self
