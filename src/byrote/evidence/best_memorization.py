"""Which estimate of memorization to trust: the one that everything here ranks, lists and explains by."""

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import Values, evaluate
from byrote.record import Record
from byrote.scores import memorization, shrunk_memorization


def best_memorization(record: Record) -> Values:
    """Return memorization as well as the runs know it: the shrunk estimate, or the textbook one where margins are missing.

    1 is known by rote, 0 learned from the others. Raises MissingEvidence where there is neither.
    """
    try:
        return evaluate(shrunk_memorization, record)
    except MissingEvidence:
        return evaluate(memorization, record)
