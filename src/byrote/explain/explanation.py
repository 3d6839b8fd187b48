"""Explain the most memorized training examples: what others say, what lies near, what depends on them, and why."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import Values
from byrote.evidence.outcomes import Outcomes, read_outcomes
from byrote.explain.causes import Cause, find_cause
from byrote.explain.copies import find_copies
from byrote.explain.dependents import Dependence, Dependences, find_dependences
from byrote.explain.neighbours import Neighbour, Space, list_neighbours, nearest, space
from byrote.explain.outsiders import Outsiders, ask_outsiders
from byrote.record import Record
from byrote.stats.estimate import Estimate

NEIGHBOURS = 5
"""Neighbours shown of each example, among training and among test examples."""

DEPENDENTS = 5
"""Dependents listed of each example at most; the strongest come first."""


@dataclass(frozen=True)
class Explanation:
    """One example, how much of it is memorized (1: known by rote), why, and the evidence for that.

    `outsiders` counts what models that never saw it predict; `rival` is the other label they give most (None: they
    give none) and `agreement` their share. `neighbours` are real training examples, `test_neighbours` test
    examples, nearest first; `duplicates` are those of both that are near enough to be called so. `remoteness` is
    the share of its class that lies closer to the class (1: farthest out; NaN: no inputs were kept). `rival_distance`
    is how far it is from the examples labeled like the rival (above 1: an outlier among them; NaN: unknown).
    `dependents` are real examples that look like it and that models get right more often when trained on it; some of
    them are chance, and `Dependences` says how many to expect.
    """

    position: int
    id: str
    label: int
    memorization: Estimate
    cause: Cause
    evidence: str
    outsiders: Outsiders
    rival: int | None
    agreement: float
    neighbours: tuple[Neighbour, ...]
    test_neighbours: tuple[Neighbour, ...]
    duplicates: tuple[Neighbour, ...]
    remoteness: float
    rival_distance: float
    dependents: tuple[Dependence, ...]


def explain(
    record: Record,
    positions: Int[ndarray, " query"] | None = None,
    *,
    top: int = 50,
    values: Values | None = None,
    points: Space | None = None,
    answers: Outcomes | None = None,
    dependences: Dependences | None = None,
) -> list[Explanation]:
    """Explain the `top` most memorized real training examples, or those at `positions`, in that order.

    Canaries are never among them unless `positions` names them, which is how the rules are checked; they are never
    anyone's neighbour or dependent. `values` (of memorization, as `best_memorization` gives them), `points`, `answers` and
    `dependences` (of the same examples) may be passed when they are at hand.

    Raises MissingEvidence below two runs, or without a clean pass over everyone at the last step.
    """
    population = record.population
    values = values or best_memorization(record)
    answers = answers or read_outcomes(record)
    points = points or space(population)
    if positions is None:
        ranked = values.ranked(population.where("train"))
        positions = ranked[~np.isnan(values.value[ranked])][:top]
    train, test = (np.flatnonzero(population.where(split)) for split in ("train", "test"))
    outsiders = ask_outsiders(record, positions, record.runs) if len(positions) else []
    near_train = nearest(points.points, positions, train, NEIGHBOURS)
    near_test = nearest(points.points, positions, test, NEIGHBOURS)
    duplicates = find_copies(population, points, positions, np.concatenate([train, test]))
    remoteness = points.remoteness(positions)
    rivals = [said.rival(int(label)) for said, label in zip(outsiders, population.labels[positions], strict=True)]
    known = np.array([-1 if rival is None else rival for rival in rivals], np.int64)
    rival_distance = points.distance_to(positions, known)
    dependences = dependences or dependents_of(record, positions, answers, points)
    return [
        _one(
            record,
            values,
            int(at),
            outsiders[i],
            list_neighbours(population, near_train[0][i], near_train[1][i]),
            list_neighbours(population, near_test[0][i], near_test[1][i]),
            duplicates[i],
            float(remoteness[i]),
            float(rival_distance[i]),
            tuple(pair for pair in dependences.pairs if pair.source == at)[:DEPENDENTS],
        )
        for i, at in enumerate(positions)
    ]


def dependents_of(record: Record, positions: Int[ndarray, " query"], answers: Outcomes, points: Space) -> Dependences:
    """Return which real examples depend on those at `positions`: among look-alikes, or all if no inputs were kept."""
    targets = np.flatnonzero(~record.population.where("canary"))
    return find_dependences(record.population, answers, positions, targets, None if points.empty else points)


def _one(
    record: Record,
    values: Values,
    at: int,
    outsiders: Outsiders,
    near_train: tuple[Neighbour, ...],
    near_test: tuple[Neighbour, ...],
    duplicates: tuple[Neighbour, ...],
    remoteness: float,
    rival_distance: float,
    dependents: tuple[Dependence, ...],
) -> Explanation:
    label = int(record.population.labels[at])
    cause, evidence = find_cause(
        label,
        outsiders,
        duplicates,
        remoteness,
        rival_distance=rival_distance,
        neighbours=near_train,
        classes=record.classes,
    )
    rival = outsiders.rival(label)
    runs = int(values.runs_in[at] + values.runs_out[at])
    return Explanation(
        position=at,
        id=str(record.population.ids[at]),
        label=label,
        memorization=Estimate(
            float(values.value[at]), float(values.low[at]), float(values.high[at]), runs, "run", values.level
        ),
        cause=cause,
        evidence=evidence,
        outsiders=outsiders,
        rival=rival,
        agreement=0.0 if rival is None else outsiders.share(rival),
        neighbours=near_train,
        test_neighbours=near_test,
        duplicates=duplicates,
        remoteness=remoteness,
        rival_distance=rival_distance,
        dependents=dependents,
    )
