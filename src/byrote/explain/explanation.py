"""Explain the most memorized training examples: predictions of other models, neighbours, dependents, and a cause."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import Values
from byrote.evidence.outcomes import Outcomes, read_outcomes
from byrote.explain.causes import Cause, find_cause
from byrote.explain.copies import find_copies
from byrote.explain.dependents import Dependence, Dependences, find_dependences
from byrote.explain.neighbours import Neighbour, Space, list_neighbours, nearest, space
from byrote.explain.out_predictions import OutPredictions, read_out_predictions
from byrote.record import Record
from byrote.stats.estimate import Estimate

NEIGHBOURS = 5
"""Neighbours shown of each example, among training and among test examples."""

DEPENDENTS = 5
"""Dependents listed of each example at most; the strongest come first."""


@dataclass(frozen=True)
class Explanation:
    """One example, how memorized it is (1: known only by rote), a cause, and the evidence for it.

    `out_predictions` counts the predictions of models not trained on it; `alternative` is the other label that they predict
    most (None: they predict no other) and `agreement` the share of them that do. `neighbours` are real training examples,
    `test_neighbours` test examples, nearest first; `duplicates` are the near-duplicates among both. `remoteness` is the share
    of its class that lies closer to the class (1: farthest out; NaN: no inputs were kept). `alternative_distance` is its
    distance to the examples with the alternative label (above 1: an outlier among them; NaN: unknown). `dependents` are real
    examples that look like it and that models get right more often when trained on it. Some of these pass by chance;
    `Dependences` gives the expected number.
    """

    position: int
    id: str
    label: int
    memorization: Estimate
    cause: Cause
    evidence: str
    out_predictions: OutPredictions
    alternative: int | None
    agreement: float
    neighbours: tuple[Neighbour, ...]
    test_neighbours: tuple[Neighbour, ...]
    duplicates: tuple[Neighbour, ...]
    remoteness: float
    alternative_distance: float
    dependents: tuple[Dependence, ...]


def explain(
    record: Record,
    positions: Int[ndarray, " query"] | None = None,
    *,
    top: int = 50,
    values: Values | None = None,
    points: Space | None = None,
    outcomes: Outcomes | None = None,
    dependences: Dependences | None = None,
) -> list[Explanation]:
    """Explain the `top` most memorized real training examples, or those at `positions`, in that order.

    Canaries are explained only if `positions` names them, as is done to check the rules; they are never a neighbour or
    dependent of another example. `values` (of memorization, from `best_memorization`), `points`, `outcomes` and
    `dependences` (of the same examples) may be passed when they are at hand.

    Raises MissingEvidence below two runs, or without a clean pass over every example at the last step.
    """
    values = values or best_memorization(record)
    outcomes = outcomes or read_outcomes(record)
    points = points or space(record.population)
    if positions is None:
        ranked = values.ranked(record.population.where("train"))
        positions = ranked[~np.isnan(values.value[ranked])][:top]
    dependences = dependences or dependents_of(record, positions, outcomes, points)
    evidence = _gather(record, positions, points)
    return [_explain_one(record, values, evidence, dependences, i, int(at)) for i, at in enumerate(positions)]


def dependents_of(record: Record, positions: Int[ndarray, " query"], outcomes: Outcomes, points: Space) -> Dependences:
    """Return which real examples depend on those at `positions`: among look-alikes, or all if no inputs were kept."""
    targets = np.flatnonzero(~record.population.where("canary"))
    return find_dependences(record.population, outcomes, positions, targets, None if points.empty else points)


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What the causes of several examples are decided by, one entry for each."""

    out_predictions: Sequence[OutPredictions]
    neighbours: Sequence[tuple[Neighbour, ...]]
    test_neighbours: Sequence[tuple[Neighbour, ...]]
    duplicates: Sequence[tuple[Neighbour, ...]]
    remoteness: Float[ndarray, " query"]
    alternative_distance: Float[ndarray, " query"]


def _gather(record: Record, positions: Int[ndarray, " query"], points: Space) -> _Evidence:
    population = record.population
    predictions = read_out_predictions(record, positions, record.runs) if len(positions) else []
    labels = population.labels[positions]
    alternatives = [each.alternative(int(label)) for each, label in zip(predictions, labels, strict=True)]
    known = np.array([-1 if alternative is None else alternative for alternative in alternatives], np.int64)
    train, test = (np.flatnonzero(population.where(split)) for split in ("train", "test"))
    near_train, near_test = (
        [
            list_neighbours(population, where, distance)
            for where, distance in zip(*nearest(points.points, positions, split, NEIGHBOURS), strict=True)
        ]
        for split in (train, test)
    )
    return _Evidence(
        predictions,
        near_train,
        near_test,
        find_copies(population, points, positions, np.concatenate([train, test])),
        points.remoteness(positions),
        points.distance_to(positions, known),
    )


def _explain_one(
    record: Record, values: Values, evidence: _Evidence, dependences: Dependences, i: int, at: int
) -> Explanation:
    label, predictions = int(record.population.labels[at]), evidence.out_predictions[i]
    cause, sentence = find_cause(
        label,
        predictions,
        evidence.duplicates[i],
        float(evidence.remoteness[i]),
        alternative_distance=float(evidence.alternative_distance[i]),
        neighbours=evidence.neighbours[i],
        classes=record.classes,
    )
    alternative = predictions.alternative(label)
    runs = int(values.runs_in[at] + values.runs_out[at])
    value, low, high = (float(part[at]) for part in (values.value, values.low, values.high))
    return Explanation(
        position=at,
        id=str(record.population.ids[at]),
        label=label,
        memorization=Estimate(value, low, high, runs, "run", values.level),
        cause=cause,
        evidence=sentence,
        out_predictions=predictions,
        alternative=alternative,
        agreement=0.0 if alternative is None else predictions.share(alternative),
        neighbours=evidence.neighbours[i],
        test_neighbours=evidence.test_neighbours[i],
        duplicates=evidence.duplicates[i],
        remoteness=float(evidence.remoteness[i]),
        alternative_distance=float(evidence.alternative_distance[i]),
        dependents=tuple(pair for pair in dependences.pairs if pair.source == at)[:DEPENDENTS],
    )
