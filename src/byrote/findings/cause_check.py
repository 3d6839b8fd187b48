"""How well the rules that name causes do on planted examples, whose cause is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byrote.errors import Door, MissingEvidence, Remedy
from byrote.evidence.evaluate import LEVEL, Values
from byrote.evidence.outcomes import Outcomes
from byrote.explain import (
    CAUSES,
    CAUSES_OF,
    NO_DEPENDENCES,
    CopyCheck,
    Explanation,
    IssueCheck,
    Space,
    check_issues,
    explain,
)
from byrote.explain.causes import FEWEST_MODELS, Cause
from byrote.explain.target_suggestions import is_nearer
from byrote.findings.vocabulary import read_vocabulary
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

MEANT = {
    "label suspect": "mislabeled",
    "target suspect": "mislabeled",
    "atypical": "noise",
    "ambiguous": "ambiguous",
}
"""The kind of canary that has a cause. Copies are planted without training, see `check_copies`."""


PLANTED = 200
"""Canaries of each kind that the rules are tried on at most: each is compared with every example."""


@dataclass(frozen=True)
class RuleCheck:
    """What the rules give for one kind of canary: how many have each cause, in the order of the objective's causes.

    `right_label` counts the suspects for which the suggested label is the original one; in a regression, those for which the
    suggested target is nearer to the original one than the wrong target is.
    """

    kind: str
    count: int
    causes: tuple[int, ...]
    right_label: int


@dataclass(frozen=True)
class RulePrecision:
    """How one rule does: it names `found` of `planted` examples with the cause, and `wrongly` of `others` without it.

    `meant` names what was planted for it. `precision` is found / (found + wrongly): 1 is never wrong on planted examples.
    Among real examples, where causes are more or less common, it differs.
    """

    cause: str
    meant: str
    planted: int
    found: int
    others: int
    wrongly: int
    precision: Estimate | NotMeasured


def check_rules(
    record: Record, values: Values, points: Space, outcomes: Outcomes, *, seed: int = 0
) -> tuple[RuleCheck, ...]:
    """Return one entry per kind of canary, in alphabetical order; of many canaries, PLANTED drawn with `seed` are judged."""
    population = record.population
    kinds = sorted({str(kind) for kind in population.canary} - {""})
    drawn: list[NDArray[np.int64]] = []
    for kind in kinds:
        positions = np.flatnonzero((population.canary == kind) & np.isfinite(values.value))
        drawn.append(np.sort(np.random.default_rng(seed).permutation(positions)[:PLANTED]))
    planted = np.concatenate([np.zeros(0, np.int64), *drawn])  # at once: all examples are made comparable only once
    found = explain(record, planted, values=values, points=points, outcomes=outcomes, dependences=NO_DEPENDENCES)
    checks: list[RuleCheck] = []
    for kind, end, number in zip(kinds, np.cumsum([len(each) for each in drawn]), map(len, drawn), strict=True):
        of_kind = found[end - number : end]
        suspects = [each for each in of_kind if each.cause in ("label suspect", "target suspect")]
        checks.append(
            RuleCheck(
                kind=kind,
                count=number,
                causes=tuple(
                    sum(each.cause == cause for each in of_kind) for cause in CAUSES_OF[record.objective.name]
                ),
                right_label=sum(_is_right(record, each) for each in suspects),
            )
        )
    return tuple(checks)


def rule_table(
    checks: Sequence[RuleCheck], copies: RulePrecision, causes: Mapping[Cause, str] = CAUSES, *, door: Door = "command"
) -> tuple[RulePrecision, ...]:
    """Return how each rule does, in the order of the objective's `causes`; `unclear` is no rule. `door`: the record's."""
    rows: list[RulePrecision] = []
    for at, cause in enumerate(causes):
        if cause == "near-duplicate":
            rows.append(copies)
        elif cause != "unclear":
            with_cause = [each for each in checks if each.kind == MEANT.get(cause)]
            without_cause = [each for each in checks if each.kind != MEANT.get(cause)]
            found, wrongly = (sum(each.causes[at] for each in part) for part in (with_cause, without_cause))
            planted, others = (sum(each.count for each in part) for part in (with_cause, without_cause))
            meant = f"{MEANT[cause]} canaries" if planted else ""
            rows.append(_row(cause, meant, planted, found, others, wrongly, door))
    return tuple(rows)


def copy_rule(copies: Sequence[CopyCheck]) -> RulePrecision:
    """Return how well the rule for near-duplicates does, which is the same for training and for test examples."""
    real, control = ([each for each in copies if each.is_copy is kind] for kind in (True, False))
    found, wrongly = (round(sum(each.found.value * each.found.n for each in part)) for part in (real, control))
    planted, others = (sum(each.found.n for each in part) for part in (real, control))
    meant = f"copies: {', '.join(each.kind for each in real)}" if planted else ""
    return _row("near-duplicate", meant, planted, found, others, wrongly)


def read_issues(record: Record, points: Space | None = None) -> IssueCheck | NotMeasured:
    """Return how suggestions of labels, or targets, do on canaries, or why that is unknown."""
    words = read_vocabulary(record)
    wrong = record.population.canary == "mislabeled"
    if not wrong.any():
        return NotMeasured(
            f"No {words.wrong_target}s were planted, so it is unknown how often suggestions are right.",
            Remedy("canaries", "mislabeled=50", record.door),
        )
    out_models = np.sum([~record.member(run)[wrong] for run in record.runs], axis=0)
    if out_models.max() < FEWEST_MODELS:
        return NotMeasured(
            f"A {words.target} is checked by at least {FEWEST_MODELS} models not trained on it, and no planted {words.wrong_target} was left out of "
            f"so many of the {len(record.runs)} runs."
        )
    try:
        return check_issues(record, points=points)
    except MissingEvidence as error:
        return NotMeasured.because(error)


def _is_right(record: Record, each: Explanation) -> bool:
    true = record.population.true_label[each.position]
    if record.objective.name == "regression":
        return bool(np.isfinite(true).all()) and is_nearer(record, each.position, each.alternative)
    return bool(np.array_equal(each.alternative, true))


def _unplanted(kind: str | None, door: Door) -> NotMeasured:
    remedy = Remedy("canaries", f"{kind}=50", door) if kind else None
    return NotMeasured("No example with this cause was planted.", remedy)


def _row(
    cause: str, meant: str, planted: int, found: int, others: int, wrongly: int, door: Door = "command"
) -> RulePrecision:
    called = found + wrongly
    if not planted:
        precision = _unplanted(MEANT.get(cause), door)
    elif not called:
        precision = NotMeasured("The rule applies to no planted example.")
    else:
        precision = Estimate.of_share(found, called, "planted example", level=LEVEL)
    return RulePrecision(cause, meant, planted, found, others, wrongly, precision)
