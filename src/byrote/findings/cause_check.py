"""How well the rules that name causes do on what was planted, whose cause is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from byrote.errors import MissingEvidence, Remedy
from byrote.evidence.evaluate import LEVEL, Values
from byrote.evidence.outcomes import Outcomes
from byrote.explain import CAUSES, NOBODY, CopyCheck, IssueCheck, Space, check_issues, explain
from byrote.explain.causes import FEWEST_MODELS
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

MEANT = {"label suspect": "mislabeled", "atypical": "noise", "ambiguous": "ambiguous"}
"""The kind of canary that a cause means. Copies are planted without training, see `check_copies`."""


@dataclass(frozen=True)
class RuleCheck:
    """What the rules say about one kind of canary: how many got each cause, in the order of CAUSES.

    `right_label` counts the label suspects for which the proposed label is the one from before it was changed.
    """

    kind: str
    count: int
    causes: tuple[int, ...]
    right_label: int


@dataclass(frozen=True)
class RulePrecision:
    """How one cause does: of `planted` cases it names `found`, and `wrongly` of `others`, which are something else.

    `meant` says in words what was planted for it. `precision` is found / (found + wrongly): 1 is never wrong on what was
    planted. Among real examples, where other things are rare or common, it is another.
    """

    cause: str
    meant: str
    planted: int
    found: int
    others: int
    wrongly: int
    precision: Estimate | NotMeasured


def check_rules(record: Record, values: Values, points: Space, answers: Outcomes) -> tuple[RuleCheck, ...]:
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


def rule_table(checks: Sequence[RuleCheck], copies: RulePrecision) -> tuple[RulePrecision, ...]:
    """Return how each cause does, in the order of CAUSES; `unclear` is no rule, and never wrong."""
    rows: list[RulePrecision] = []
    for at, cause in enumerate(CAUSES):
        if cause == "near-duplicate":
            rows.append(copies)
        elif cause != "unclear":
            mine = [each for each in checks if each.kind == MEANT.get(cause)]
            rest = [each for each in checks if each.kind != MEANT.get(cause)]
            found, wrongly = (sum(each.causes[at] for each in part) for part in (mine, rest))
            planted, others = (sum(each.count for each in part) for part in (mine, rest))
            meant = f"{MEANT[cause]} canaries" if planted else ""
            rows.append(_row(cause, meant, planted, found, others, wrongly))
    return tuple(rows)


def copy_rule(copies: Sequence[CopyCheck]) -> RulePrecision:
    """Return how well near-duplicates are told, of training examples and of test examples: the rule is the same."""
    real, control = ([each for each in copies if each.is_copy is kind] for kind in (True, False))
    found, wrongly = (round(sum(each.found.value * each.found.n for each in part)) for part in (real, control))
    planted, others = (sum(each.found.n for each in part) for part in (real, control))
    meant = f"copies: {', '.join(each.kind for each in real)}" if planted else ""
    return _row("near-duplicate", meant, planted, found, others, wrongly)


def read_issues(record: Record, points: Space | None = None) -> IssueCheck | NotMeasured:
    """Return how often the suggested labels are right on canaries, or why that cannot be measured."""
    wrong = record.population.canary == "mislabeled"
    if not wrong.any():
        return NotMeasured("No wrong labels were planted, so nothing says how often these suggestions are right.")
    outsiders = np.sum([~record.member(run)[wrong] for run in record.runs], axis=0)
    if outsiders.max() < FEWEST_MODELS:
        return NotMeasured(
            f"It takes {FEWEST_MODELS} models that never saw a label to doubt it, and no planted one was left out of so many "
            f"of the {len(record.runs)} runs."
        )
    try:
        return check_issues(record, points=points)
    except MissingEvidence as error:
        return NotMeasured.because(error)


def _nothing(cause: str) -> NotMeasured:
    kind = MEANT.get(cause)
    return NotMeasured("Nothing was planted for it.", Remedy("canaries", f"{kind}=50") if kind else None)


def _row(cause: str, meant: str, planted: int, found: int, others: int, wrongly: int) -> RulePrecision:
    called = found + wrongly
    if not planted:
        precision = _nothing(cause)
    elif not called:
        precision = NotMeasured("Nothing that was planted is called so.")
    else:
        precision = Estimate.of_share(found, called, "planted example", level=LEVEL)
    return RulePrecision(cause, meant, planted, found, others, wrongly, precision)
