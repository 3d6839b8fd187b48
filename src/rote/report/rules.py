"""How well the rules that name causes do on canaries, whose cause is known."""

from dataclasses import dataclass

import numpy as np

from rote.evidence import Values
from rote.explain import CAUSES, NOBODY, Answers, Space, explain
from rote.record import Record


@dataclass(frozen=True)
class RuleCheck:
    """What the rules say about one kind of canary: how many got each cause, in the order of CAUSES.

    `right_label` counts the label suspects for which the proposed label is the one from before it was changed.
    """

    kind: str
    count: int
    causes: tuple[int, ...]
    right_label: int


def check_rules(record: Record, values: Values, points: Space, answers: Answers) -> tuple[RuleCheck, ...]:
    """Return one entry per kind of canary, in alphabetical order."""
    population = record.population
    checks: list[RuleCheck] = []
    for kind in sorted({str(kind) for kind in population.canary} - {""}):
        positions = np.flatnonzero((population.canary == kind) & np.isfinite(values.value))
        found = explain(record, positions, values=values, points=points, answers=answers, dependences=NOBODY)
        suspects = [each for each in found if each.cause == "label suspect"]
        checks.append(
            RuleCheck(
                kind=kind,
                count=len(found),
                causes=tuple(sum(each.cause == cause for each in found) for cause in CAUSES),
                right_label=sum(each.rival == population.true_label[each.position] for each in suspects),
            )
        )
    return tuple(checks)
