"""Drop by a score: leave out the training examples that a record's score ranks highest."""

from byrote.controls import drop
from byrote.errors import InvalidData
from byrote.evidence.catalogue import find_score
from byrote.evidence.evaluate import evaluate
from byrote.record import Record
from byrote.signature import Score


def drop_by(score: Score | str, share: float, record: Record) -> drop:
    """Return the control that drops the `share` (0 to 1) of the training examples which the score ranks highest.

    Highest is most memorized or hardest, as the score's direction says. Examples without a value are not dropped, nor those
    that the record turned into canaries. The share is of the examples that have a value, rounded. Raises InvalidData for a
    share that is none, and MissingEvidence when the record lacks what the score reads. The choice is of estimates: with few
    runs, part of it is chance.
    """
    if not 0 <= share < 1:
        raise InvalidData(f"drop_by(share={share!r}) means nothing. Give a share from 0 to below 1.")
    values = evaluate(find_score(score) if isinstance(score, str) else score, record)
    order = values.ranked(record.population.where("train"))
    known = order[values.value[order] == values.value[order]]  # NaN equals nothing
    return drop(values.ids[known[: round(share * len(known))]])
