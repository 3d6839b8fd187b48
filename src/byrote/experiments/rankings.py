"""Orders in which to remove training examples: by memorization, by influence on the test set, or by doubt about the label."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.outcomes import Outcomes, read_outcomes
from byrote.explain.look_alikes import look_alikes
from byrote.explain.neighbours import Space, space
from byrote.explain.passing import BLOCK
from byrote.explain.relabel import suggestions
from byrote.record import Population, Record
from byrote.scores import influence


def orders(record: Record) -> dict[str, Int[ndarray, " rank"]]:
    """Return positions of all real training examples in three orders: those to remove first come first.

    `memorized`: highest memorization first, by the best estimate the runs allow. `influential`: those that help the test
    set most first, see `help_given`. `suspect`: lowest label quality first, see `suggestions`. Where a value is
    undefined, an example comes last.
    """
    train = np.flatnonzero(record.population.where("train"))
    helped = help_given(record.population, read_outcomes(record), space(record.population))
    return {
        "memorized": best_memorization(record).ranked(record.population.where("train")),
        "influential": train[np.argsort(-helped, kind="stable")],
        "suspect": np.array([each.position for each in suggestions(record)], np.int64),
    }


def help_given(population: Population, outcomes: Outcomes, points: Space) -> Float[ndarray, " train"]:
    """Return how many test examples are right because of each training example: the sum of its influence on them.

    Where inputs were kept, only test examples that look like it count (of its label, with it among their nearest): the
    others would add noise. Below 0, it does harm. NaN for an example that was in every run, or in none. With few runs most
    of it is chance, and an example that ranks high for these test examples helps others less.
    """
    train, test = (np.flatnonzero(population.where(split)) for split in ("train", "test"))
    total: NDArray[np.float64] = np.zeros(len(train))
    for start in range(0, len(test), BLOCK):
        part = test[start : start + BLOCK]
        value = influence(outcomes.correct[:, part], outcomes.member[:, train])
        if points.empty:
            total += value.sum(axis=1)
        else:
            source, target = look_alikes(population, points, train, part)
            np.add.at(total, source, value[source, target])
    everywhere, nowhere = outcomes.member[:, train].all(axis=0), ~outcomes.member[:, train].any(axis=0)
    return np.where(everywhere | nowhere, np.nan, total)
