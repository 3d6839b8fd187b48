"""The scores of a report, each evaluated once and shared by all its parts."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.errors import MissingEvidence
from byrote.evidence.best_memorization import best_memorization
from byrote.evidence.certainty import Certainty, Following
from byrote.evidence.columns import Read
from byrote.evidence.evaluate import Values, evaluate
from byrote.objectives import Classification
from byrote.record import Record
from byrote.record.run_file import SEEN
from byrote.scores import (
    aum,
    c_score,
    csl,
    el2n,
    forgetting,
    learning_time,
    loss,
    mean_confidence,
    memorization,
    shrunk_memorization,
    variability,
)
from byrote.signature import Score
from byrote.stats.not_measured import NotMeasured

EARLY = 0.1
"""Where EL2N is read: this share of the training, as in its paper (epoch 20 of 200), at least the first step."""


@dataclass(frozen=True)
class Panel:
    """The scores of a report by name: either values, or why there are none. `memorization` is the best estimate among them.

    `certainty` says how well all runs determine it (None where outcomes are no right or wrong ones).
    """

    values: Mapping[str, Values]
    reasons: Mapping[str, NotMeasured]
    memorization: Values | NotMeasured
    certainty: Certainty | None = None

    def of(self, score: Score) -> Values | NotMeasured:
        """Return this score's values, or why there are none."""
        return self.values.get(str(score)) or self.reasons[str(score)]


def read_panel(record: Record, read: Read | None = None, *, last: Certainty | None = None) -> Panel:
    """Evaluate every score of the report; for a score that the record cannot support, the reason is kept.

    `read` reads in place of the record. `last` is what is known of memorization from all its runs, if it is at hand.
    """
    last = last or _certainty(record)
    try:
        best: Values | NotMeasured = (last and last.values) or best_memorization(record)
    except MissingEvidence as error:
        best = NotMeasured.because(error)
    values: dict[str, Values] = {}
    reasons: dict[str, NotMeasured] = {}
    for score in reported_scores(record):
        try:
            known = best if isinstance(best, Values) and best.score == score else None
            values[str(score)] = known or evaluate(score, record, read=read)
        except MissingEvidence as error:
            reasons[str(score)] = _foreign(record, score) or NotMeasured.because(error)
    return Panel(values, reasons, best, last)


def _certainty(record: Record) -> Certainty | None:
    """Return how well all runs determine memorization; None where outcomes are no right or wrong ones, or columns are missing."""
    if record.objective.outcome != "correct":
        return None
    try:
        return Following(record).certainty(record.runs)
    except MissingEvidence:
        return None


def _foreign(record: Record, score: Score) -> NotMeasured | None:
    """Return why a score of classes makes no sense for the objective; None where the record may have its columns."""
    columns, known = Classification().columns(), record.objective.columns()
    for need in score.needs:
        name = need.column.removesuffix(SEEN)
        if name in columns and name not in known:
            return NotMeasured(f"It reads {name}, which a {record.objective.name} does not have.")
    return None


def reported_scores(record: Record) -> tuple[Score, ...]:
    """Return the scores that a report shows, those that compare runs first."""
    step = max(1, round(EARLY * record.last_step))
    return (
        memorization,
        shrunk_memorization,
        c_score,
        mean_confidence,
        aum,
        csl,
        learning_time,
        forgetting,
        variability,
        el2n.bind(step=step),
        loss,
    )


def toward_memorized(values: Values) -> Float[ndarray, " example"]:
    """Return the values turned so that high means memorized or hard."""
    return values.score.sign * np.asarray(values.value, np.float64)
