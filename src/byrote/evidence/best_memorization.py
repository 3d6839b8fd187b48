"""The estimate of memorization that everything else ranks, lists and explains by."""

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import Values, evaluate
from byrote.record import Record
from byrote.scores import memorization, shrunk_memorization


def best_memorization(record: Record) -> Values:
    """Return the most precise estimate of memorization: the shrunk one, or the textbook one where that has no evidence.

    1 is known by rote, 0 is learned from the other examples. Shrinkage is for outcomes that are right or wrong, and
    needs margins. Raises MissingEvidence where there is neither.
    """
    if record.objective.outcome != "correct":
        return evaluate(memorization, record)
    try:
        return evaluate(shrunk_memorization, record)
    except MissingEvidence:
        return evaluate(memorization, record)
