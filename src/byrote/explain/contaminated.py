"""Contaminated test examples: they have a near-duplicate in the training set."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.arrays import checked
from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import read_outcomes
from byrote.explain.copies import find_copies
from byrote.explain.neighbours import Neighbour, Space, space
from byrote.record import Population, Record
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class Contaminated:
    """A test example and its near-duplicates among the training examples, nearest first.

    `same_label`: whether the nearest has its label (in a regression: exactly the same target, as float32).
    If so, a model can predict it from memory alone; if not, at least one of
    the two labels may be wrong.
    """

    position: int
    id: str
    duplicates: tuple[Neighbour, ...]
    same_label: bool


@dataclass(frozen=True)
class Contamination:
    """How much of a test set is contaminated, and what that does to its accuracy.

    `share` is the share of test examples with a near-duplicate. `accuracy` is the accuracy on all of them, `accuracy_on_others`
    on those without a near-duplicate, and `difference` the first minus the second: above 0, copies raise the accuracy.
    Intervals are over runs; NaN with fewer than two. An accuracy is NaN where predictions are missing.
    """

    examples: tuple[Contaminated, ...]
    share: Estimate
    accuracy: Estimate
    accuracy_on_others: Estimate
    difference: Estimate

    @property
    def exact(self) -> int:
        """How many of the examples are exact copies; the others are nearly equal to a training example."""
        return sum(each.duplicates[0].distance == 0 and not each.duplicates[0].change for each in self.examples)


@checked
def contaminated(
    population: Population, *, points: Space | None = None, tests: Int[ndarray, " test"] | None = None
) -> list[Contaminated]:
    """Return the test examples that have near-duplicates among the real training examples, closest pair first.

    `tests` are the positions of those to look at (None: all), `points` those of the population, if at hand.

    What is near is judged by the class of the test example, as for training examples; images are also compared shifted by
    one pixel, and mirrored. It misleads where inputs are compared badly by their pixels: a copy that is shifted by two is
    not found, and two flat images of one class may be near without being copies. Raises MissingEvidence when the record
    kept no inputs.
    """
    points = points or space(population)
    if points.empty:
        if population.display.kind == "text":
            raise MissingEvidence(
                "Copies of texts are not looked for, because a difference of token ids means nothing."
            )
        raise MissingEvidence("This record kept no inputs to compare. Contamination needs images, signals or tables.")
    test = np.flatnonzero(population.where("test")) if tests is None else tests
    found: list[Contaminated] = []
    for at, copies in zip(test, find_copies(population, points, test, points.train), strict=True):
        if copies:
            same = np.array_equal(population.labels[at], population.labels[copies[0].position])
            found.append(Contaminated(int(at), str(population.ids[at]), copies, same))
    return sorted(found, key=lambda each: (each.duplicates[0].distance, each.position))


@checked
def contamination(
    record: Record,
    *,
    points: Space | None = None,
    tests: Int[ndarray, " test"] | None = None,
    found: Sequence[Contaminated] | None = None,
) -> Contamination:
    """Return the contaminated test examples of a record, and the test accuracy on all and on the others.

    Each copy is in the training set of some runs only, so `difference` is smaller here than for a model that is trained on
    all examples. `tests` are positions of test examples (None: all), for example a sample where all take too long: each is
    compared with every training example. `found` are the contaminated ones among them, if they are at hand. Raises
    MissingEvidence without runs, test examples or inputs. The accuracies are
    NaN where a run has no prediction for one of the test examples.
    """
    population = record.population
    test = np.flatnonzero(population.where("test")) if tests is None else tests
    if not len(test) or not record.runs:
        raise MissingEvidence(
            f"{record.directory} has {len(record.runs)} runs and {len(test)} test examples. It takes both."
        )
    points = points or space(population)
    found = contaminated(population, points=points, tests=test) if found is None or points.empty else found
    clean = ~np.isin(test, [each.position for each in found])
    right = _correct(record, test)
    overall = right.mean(axis=1)
    others = right[:, clean].mean(axis=1) if clean.any() else np.full(len(right), np.nan)
    return Contamination(
        examples=tuple(found),
        share=Estimate.of_share(len(found), len(test), "example", level=LEVEL),
        accuracy=_over_runs(overall),
        accuracy_on_others=_over_runs(others),
        difference=_over_runs(overall - others),
    )


def _correct(record: Record, test: Int[ndarray, " test"]) -> Float[ndarray, "run test"]:
    try:
        return read_outcomes(record, column=record.objective.outcome, positions=test, missing="nan").correct
    except MissingEvidence:
        return np.full((len(record.runs), len(test)), np.nan)


def _over_runs(values: NDArray[np.float64]) -> Estimate:
    """Return the mean over runs; NaN where a run lacks an answer, which is neither right nor wrong."""
    if np.isnan(values).any():
        return Estimate.undefined("run", n=len(values), level=LEVEL)
    return Estimate.of_mean(values, "run", level=LEVEL)
