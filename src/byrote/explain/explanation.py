"""Explain the most memorized training examples: predictions of other models, neighbours, dependents, and a cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from threadpoolctl import threadpool_limits

from byrote.arrays import checked
from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import Values
from byrote.evidence.outcomes import Outcomes, read_outcomes
from byrote.explain.causes import Cause
from byrote.explain.copies import find_copies
from byrote.explain.dependents import Dependence, Dependences, find_dependences
from byrote.explain.judgement import Judgement, Looks, judge
from byrote.explain.neighbours import Neighbour, Space, list_neighbours, space
from byrote.explain.out_labels import OutLabels
from byrote.explain.out_predictions import OutPredictions
from byrote.explain.out_targets import OutTargets
from byrote.explain.out_texts import OutTexts
from byrote.record import Record
from byrote.record.nearest import nearest
from byrote.stats.estimate import Estimate

NEIGHBOURS = 5
"""Neighbours shown of each example, among training and among test examples."""

EXPLAINED = 200
"""Examples that are explained where nobody says how many: the most memorized."""

DEPENDENTS = 5
"""Dependents listed of each example at most; the strongest come first."""


@dataclass(frozen=True)
class Explanation:
    """One example, how memorized it is (1: known only by rote), a cause, and the evidence for it.

    `label` is its class index, or a tuple: of numbers in a regression, of 0 and 1 where there are several labels, of token
    ids in a language task.
    `out_predictions` are the predictions of models not trained on it. `alternative` is what they predict in place of `label`:
    the other class that they predict most, their mean predictions, or the labels by majority (None: they predict nothing
    else). `neighbours` are real training examples, `test_neighbours` test examples, nearest first; `duplicates` are the
    near-duplicates among both. `remoteness` is the share of its class that lies closer to the class (1: farthest out; NaN: no
    inputs were kept). `alternative_distance` is its distance to the examples with the alternative label (above 1: an outlier
    among them; NaN: unknown). Where labels are no classes, both are about all training examples. `dependents` are real
    examples that look like it and that models predict better when trained on it. Some of these pass by chance; `Dependences`
    gives the expected number.
    """

    position: int
    id: str
    label: Any
    memorization: Estimate
    cause: Cause
    evidence: str
    out_predictions: OutPredictions | OutTargets | OutLabels | OutTexts
    alternative: Any
    neighbours: tuple[Neighbour, ...]
    test_neighbours: tuple[Neighbour, ...]
    duplicates: tuple[Neighbour, ...]
    remoteness: float
    alternative_distance: float
    dependents: tuple[Dependence, ...]


@checked
def explain(
    record: Record,
    positions: Int[ndarray, " query"] | None = None,
    *,
    top: int = EXPLAINED,
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


@checked
def dependents_of(record: Record, positions: Int[ndarray, " query"], outcomes: Outcomes, points: Space) -> Dependences:
    """Return which real examples depend on those at `positions`: among look-alikes, or all if no inputs were kept."""
    targets = np.flatnonzero(~record.population.where("canary"))
    return find_dependences(record.population, outcomes, positions, targets, None if points.empty else points)


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What is known of several examples, one entry for each."""

    judgements: Sequence[Judgement]
    looks: Looks
    test_neighbours: Sequence[tuple[Neighbour, ...]]


@threadpool_limits.wrap(limits=1)  # few examples are compared: on a busy machine two threads take longer than one
def _gather(record: Record, positions: Int[ndarray, " query"], points: Space) -> _Evidence:
    population = record.population
    train, test = (np.flatnonzero(population.where(split)) for split in ("train", "test"))
    near_train, near_test = (
        [
            list_neighbours(population, where, distance)
            for where, distance in zip(*nearest(points.points, positions, split, NEIGHBOURS), strict=True)
        ]
        for split in (train, test)
    )
    copies = find_copies(population, points, positions, np.concatenate([train, test]))
    looks = Looks(near_train, copies, points.remoteness(positions))
    return _Evidence(judge(record, positions, points, looks), looks, near_test)


def _explain_one(
    record: Record, values: Values, evidence: _Evidence, dependences: Dependences, i: int, at: int
) -> Explanation:
    judged, looks = evidence.judgements[i], evidence.looks
    runs = int(values.runs_in[at] + values.runs_out[at])
    value, low, high = (float(part[at]) for part in (values.value, values.low, values.high))
    return Explanation(
        position=at,
        id=str(record.population.ids[at]),
        label=judged.label,
        memorization=Estimate(value, low, high, runs, "run", values.level),
        cause=judged.cause,
        evidence=judged.evidence,
        out_predictions=judged.out_predictions,
        alternative=judged.alternative,
        neighbours=looks.neighbours[i],
        test_neighbours=evidence.test_neighbours[i],
        duplicates=looks.duplicates[i],
        remoteness=float(looks.remoteness[i]),
        alternative_distance=judged.alternative_distance,
        dependents=tuple(pair for pair in dependences.pairs if pair.source == at)[:DEPENDENTS],
    )
