"""Drop by a score: those that it ranks highest, of those that have a value."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.evidence.drop_by import drop_by
from byrote.evidence.evaluate import evaluate
from byrote.record import Record
from byrote.scores import memorization


def test_dropped_by_a_score_are_those_that_it_ranks_highest(record: Record) -> None:
    found = drop_by("memorization", 0.1, record)
    values = evaluate(memorization, record)
    train = record.population.where("train") & ~np.isnan(values.value)
    assert len(found.ids) == round(0.1 * train.sum())
    chosen = np.isin(values.ids, found.ids)
    assert (train | ~chosen).all()
    assert values.value[chosen].min() >= values.value[train & ~chosen].max()
    hardest = drop_by("mean_confidence", 0.1, record)
    assert hardest.ids != found.ids
    assert drop_by(memorization, 0.0, record).is_zero
    with pytest.raises(InvalidData, match="below 1"):
        drop_by("memorization", 1.0, record)
