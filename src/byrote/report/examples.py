"""The single examples that the page shows: the most memorized with their causes, and pairs that depend on each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import Values
from byrote.evidence.outcomes import read_outcomes
from byrote.explain import (
    CAUSES_OF,
    CopyCheck,
    Dependences,
    Explanation,
    Space,
    dependents_of,
    explain,
    find_dependences,
)
from byrote.explain.dependents import MEMORIZED
from byrote.explain.explanation import EXPLAINED
from byrote.findings.cause_check import RulePrecision, check_rules, copy_rule, rule_table
from byrote.findings.evaluated_scores import Panel
from byrote.findings.stages import Stage, silent
from byrote.record import Record
from byrote.scores import mean_confidence
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class ExplainedExamples:
    """The most memorized examples, explained, with the pairs of a memorized and a dependent test example.

    `pairs` are those among look-alikes, `every_pair` those among all pairs. `rules` says how well the rules that name causes do
    on planted examples. `compared`: the record has inputs that can be compared, so neighbours and near-duplicates are known.
    `values` are those of memorization, of all examples.
    """

    values: Values
    explained: tuple[Explanation, ...]
    pairs: Dependences
    every_pair: Dependences
    rules: tuple[RulePrecision, ...]
    compared: bool


def read_examples(
    record: Record, panel: Panel, points: Space, checks: tuple[CopyCheck, ...], *, stage: Stage = silent
) -> ExplainedExamples | NotMeasured:
    """Explain the most memorized examples, and find the test examples that depend on memorized ones; or return why not."""
    values = panel.memorization
    if isinstance(values, NotMeasured):
        return values
    chosen = most_memorized(record, values, panel.of(mean_confidence))
    if not len(chosen):
        return NotMeasured("No training example has a memorization above 0, so there is nothing to explain.")
    try:
        return _explain(record, values, chosen, points, checks, stage)
    except MissingEvidence as error:
        return NotMeasured.because(error)


def _explain(
    record: Record,
    values: Values,
    chosen: Int[ndarray, " rank"],
    points: Space,
    checks: tuple[CopyCheck, ...],
    stage: Stage,
) -> ExplainedExamples:
    population = record.population
    stage("causes of the most memorized examples")
    outcomes = read_outcomes(record)
    dependents = dependents_of(record, chosen, outcomes, points)
    explained = explain(record, chosen, values=values, points=points, outcomes=outcomes, dependences=dependents)
    stage("test examples that depend on memorized ones")
    sources = np.flatnonzero(population.where("train") & (values.value >= MEMORIZED))
    test = np.flatnonzero(population.where("test"))
    every = find_dependences(population, outcomes, sources, test, None)
    alike = every if points.empty else find_dependences(population, outcomes, sources, test, points)
    stage("the rules for causes, tried on canaries")
    checked = check_rules(record, values, points, outcomes)
    return ExplainedExamples(
        values=values,
        explained=tuple(explained),
        pairs=alike,
        every_pair=every,
        rules=rule_table(checked, copy_rule(checks), CAUSES_OF[record.objective.name], door=record.door),
        compared=not points.empty,
    )


def most_memorized(record: Record, values: Values, confidence: Values | NotMeasured) -> Int[ndarray, " rank"]:
    """Return the positions of the gallery. Ties, which are common with few runs, go by mean confidence, lowest first."""
    real = np.flatnonzero(record.population.where("train") & (values.value > 0))
    ties = np.zeros(len(real)) if isinstance(confidence, NotMeasured) else confidence.value[real]
    return real[np.lexsort((ties, -values.value[real]))][:EXPLAINED]
