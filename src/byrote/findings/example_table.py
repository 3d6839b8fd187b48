"""One row per example of a record, for any library that reads Arrow tables: who it is, its scores, and why it is memorized."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.evaluate import evaluate
from byrote.evidence.targets import target_text
from byrote.explain import explain
from byrote.explain.explanation import EXPLAINED
from byrote.record import Record
from byrote.record.arrow import arrow_table
from byrote.record.ids import name_of
from byrote.signature import Score


def example_table(record: Record, scores: Sequence[Score] = (), *, explained: int = EXPLAINED) -> pa.Table:
    """Return one row per example of the record, canaries included, in the order of the record.

    `example` is its id in the record, `id` the one that you gave, `split` train, test or canary, `label` in words, `group` and
    `canary` null where there is none. Each score has its value and the `low` and `high` ends of its 90 % interval; without
    `scores` it is the best estimate of memorization that the record allows. `cause` says why the `explained` most memorized
    training examples are memorized, by the rules of `byrote.explain`; it is null for all others. Raises MissingEvidence where
    the record lacks what a score reads, and with explained > 0 below two runs.
    """
    population = record.population
    measured = [evaluate(score, record) for score in scores] or [best_memorization(record)]
    ids = population.ids.tolist()
    columns: dict[str, Any] = {
        "example": population.ids,
        "id": [name_of(each) for each in ids],
        "split": population.split,
        "label": [target_text(record, at) for at in range(len(ids))],
        "group": _or_null(population.groups.tolist()),
        "canary": _or_null(population.canary.tolist()),
    }
    for values in measured:
        columns |= {name: part for name, part in values.columns.items() if name not in ("runs in", "runs out")}
    columns |= {"runs in": measured[0].runs_in, "runs out": measured[0].runs_out}
    return arrow_table(columns | {"cause": _causes(record, explained)})


def _causes(record: Record, explained: int) -> pa.Array:
    causes: list[str | None] = [None] * len(record.population)
    for each in explain(record, top=explained) if explained else ():
        causes[each.position] = str(each.cause)
    return pa.array(causes, pa.string())


def _or_null(texts: Sequence[str]) -> pa.Array:
    return pa.array([text or None for text in texts], pa.string())
