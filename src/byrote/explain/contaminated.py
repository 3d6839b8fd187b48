"""Contaminated test examples: those that have a near-duplicate among what models are trained on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import read_outcomes
from byrote.explain.copies import find_copies
from byrote.explain.neighbours import Neighbour, Space, space
from byrote.record import Population, Record
from byrote.stats.estimate import Estimate


@dataclass(frozen=True)
class Contaminated:
    """A test example and the training examples that it almost equals, nearest first.

    `same_label` says whether the nearest has its label: if so, the answer can be known by rote; if not, one of the two
    labels is wrong.
    """

    position: int
    id: str
    label: int
    duplicates: tuple[Neighbour, ...]
    same_label: bool


@dataclass(frozen=True)
class Contamination:
    """How much of a test set is contaminated, and what that does to the accuracy that is reported on it.

    `share` is of test examples. `accuracy` is that on all of them, `without` that on the others, `lift` the first minus
    the second: above 0, contamination flatters. Intervals are over runs; NaN with less than two.
    """

    examples: tuple[Contaminated, ...]
    share: Estimate
    accuracy: Estimate
    without: Estimate
    lift: Estimate


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
        raise MissingEvidence("This record kept no inputs to compare. Contamination needs images or vectors.")
    test = np.flatnonzero(population.where("test")) if tests is None else tests
    found: list[Contaminated] = []
    for at, copies in zip(test, find_copies(population, points, test, points.train), strict=True):
        if copies:
            label = int(population.labels[at])
            found.append(Contaminated(int(at), str(population.ids[at]), label, copies, copies[0].label == label))
    return sorted(found, key=lambda each: (each.duplicates[0].distance, each.position))


def contamination(
    record: Record, *, points: Space | None = None, tests: Int[ndarray, " test"] | None = None
) -> Contamination:
    """Return the contaminated test examples of a record, and the test accuracy with and without them.

    Models are those of the record: each saw the copies in some of the runs only, so `lift` is what is measured here, and
    less than in a model that was trained on everyone. `tests` are positions of test examples (None: all), such as a
    sample where all take too long: each is compared with every training example. Raises MissingEvidence without runs,
    test examples or inputs. The accuracies are NaN where a run has no answer about one of the test examples.
    """
    population = record.population
    test = np.flatnonzero(population.where("test")) if tests is None else tests
    if not len(test) or not record.runs:
        raise MissingEvidence(
            f"{record.directory} has {len(record.runs)} runs and {len(test)} test examples. It takes both."
        )
    found = contaminated(population, points=points, tests=test)
    clean = ~np.isin(test, [each.position for each in found])
    right = read_outcomes(record, positions=test, missing="nan").correct
    everyone = right.mean(axis=1)
    others = right[:, clean].mean(axis=1) if clean.any() else np.full(len(right), np.nan)
    return Contamination(
        examples=tuple(found),
        share=Estimate.of_share(len(found), len(test), "example", level=LEVEL),
        accuracy=_over_runs(everyone),
        without=_over_runs(others),
        lift=_over_runs(everyone - others),
    )


def _over_runs(values: NDArray[np.float64]) -> Estimate:
    if np.isnan(values).any():
        return Estimate.undefined("run", n=len(values), level=LEVEL)
    return Estimate.of_mean(values, "run", level=LEVEL)
