"""Shown: what the page says of single examples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.evidence.evaluate import Values
from byrote.evidence.outcomes import read_outcomes
from byrote.explain import CopyCheck, Dependences, Space, dependents_of, explain, find_dependences
from byrote.explain.dependents import MEMORIZED
from byrote.findings.cause_check import RulePrecision, check_rules, copy_rule, rule_table
from byrote.findings.evaluated_scores import Panel
from byrote.record import Record
from byrote.report.gallery import SHOWN, causes_found, gallery_items, pair_items
from byrote.report.pictures import Album
from byrote.scores import mean_confidence
from byrote.stats.not_measured import NotMeasured

PAIRS = 24
"""Influence pairs on the page at most."""


@dataclass(frozen=True)
class Shown:
    """What the page shows of single examples: the gallery, their causes, and who depends on whom."""

    items: list[dict[str, Any]]
    causes: list[dict[str, Any]]
    dependents: Dependences
    pairs: Dependences
    every_pair: Dependences
    pair_items: list[dict[str, Any]]
    rules: tuple[RulePrecision, ...]
    compared: bool


def read_shown(
    record: Record, panel: Panel, album: Album, points: Space, checks: tuple[CopyCheck, ...]
) -> Shown | NotMeasured:
    """Explain the most memorized examples, and find who depends on whom; their pictures enter the album."""
    values = panel.memorization
    if isinstance(values, NotMeasured):
        return values
    population = record.population
    chosen = _most_memorized(record, values, panel.of(mean_confidence))
    if not len(chosen):
        return NotMeasured("No training example has a memorization above 0, so there is nothing to explain.")
    answers = read_outcomes(record)
    dependents = dependents_of(record, chosen, answers, points)
    explained = explain(record, chosen, values=values, points=points, answers=answers, dependences=dependents)
    sources = np.flatnonzero(population.where("train") & (values.value >= MEMORIZED))
    test = np.flatnonzero(population.where("test"))
    every = find_dependences(population, answers, sources, test, None)
    pairs = every if points.empty else find_dependences(population, answers, sources, test, points)
    return Shown(
        items=gallery_items(record, explained, album),
        causes=causes_found(explained),
        dependents=dependents,
        pairs=pairs,
        every_pair=every,
        pair_items=pair_items(record, pairs.pairs[:PAIRS], album),
        rules=rule_table(check_rules(record, values, points, answers), copy_rule(checks)),
        compared=not points.empty,
    )


def _most_memorized(record: Record, values: Values, confidence: Values | NotMeasured) -> Int[ndarray, " rank"]:
    """Return the positions of the gallery; ties, of which few runs leave many, go by mean confidence, lowest first."""
    real = np.flatnonzero(record.population.where("train") & (values.value > 0))
    ties = np.zeros(len(real)) if isinstance(confidence, NotMeasured) else confidence.value[real]
    return real[np.lexsort((ties, -values.value[real]))][:SHOWN]
