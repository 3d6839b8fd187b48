"""Judgements of attacks: the answer is known, passages share documents, and small samples are refused."""

import numpy as np
import pytest
from scipy import special

from byrote.errors import Unsupported
from byrote.lm import judge, judge_passages
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import auroc, tpr_at_fpr

MEMBER = np.arange(300) < 150


def test_documents_are_judged_by_the_summaries() -> None:
    score = np.random.default_rng(0).normal(size=300) + MEMBER
    score[3] = np.nan
    found = judge(score, MEMBER)
    known = ~np.isnan(score)
    assert found.auroc == auroc(score[known], MEMBER[known])
    assert found.at_fpr == tpr_at_fpr(score[known], MEMBER[known], fpr=0.01)
    assert found.left_out == 1
    few = judge(score[:200], MEMBER[:200])
    assert isinstance(few.at_fpr, NotMeasured)
    assert "at least 100" in few.at_fpr.fact


def test_intervals_hold_for_passages_that_share_documents() -> None:
    """60 data sets; an interval that took passages as independent would hold in about 60 %."""
    truth, rng, held = special.ndtr(1 / np.sqrt(2)), np.random.default_rng(1), 0
    member, document = np.arange(60) < 30, np.repeat(np.arange(60), 6)
    naive = 0
    for _ in range(100):
        score = np.sqrt(0.8) * rng.normal(size=60)[document] + np.sqrt(0.2) * rng.normal(size=360) + member[document]
        area, refused = judge_passages(score, document, member)
        held += area.low <= truth <= area.high
        plain = auroc(score, member[document])
        naive += plain.low <= truth <= plain.high
    assert held >= 80
    assert naive < 75
    assert isinstance(refused, NotMeasured), "30 documents that are no members cannot show 1 %"


def test_the_rate_of_passages_equals_that_of_documents_with_one_each() -> None:
    score = np.random.default_rng(2).normal(size=300) + 2 * MEMBER
    area, rate = judge_passages(score, np.arange(300), MEMBER)
    single = tpr_at_fpr(score, MEMBER, fpr=0.01)
    assert isinstance(rate, Estimate)
    assert rate.value == single.tpr.value
    assert rate.low <= rate.value <= rate.high
    assert area.value == pytest.approx(auroc(score, MEMBER).value)
    assert area.low == pytest.approx(auroc(score, MEMBER).low, abs=0.01)


def test_a_perfect_score_has_an_interval_and_one_document_has_none() -> None:
    document = np.repeat(np.arange(20), 3)
    member = np.arange(20) < 10
    area, _ = judge_passages(member[document] + 0.0, document, member)
    assert area.value == 1
    assert 0.6 < area.low < 0.9
    with pytest.raises(Unsupported, match="1 documents of members"):
        judge_passages(np.zeros(6), np.array([0, 0, 1, 1, 2, 2]), np.array([True, False, False]))
