"""Rates over documents: by hand, their coverage, and what they say near 0."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.lm.rates import paired_difference, rate, rate_difference
from byrote.stats.intervals import clopper_pearson


def world(rng: np.random.Generator, documents: int, p: float, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    """Hits of about 20 passages a document, whose rates differ between documents; and their documents."""
    counts = rng.integers(10, 31, documents)
    each = rng.beta(p * (1 / correlation - 1), (1 - p) * (1 / correlation - 1), documents)
    which = np.repeat(np.arange(documents), counts)
    return rng.random(len(which)) < each[which], which


def test_the_interval_holds_the_rate_of_other_documents() -> None:
    """Passages as the unit would hold it in about half of the cases; 150 draws: below 127 of 150 once in 50 seeds at .9."""
    rng = np.random.default_rng(0)
    inside = passages = 0
    for _ in range(150):
        found = rate(*world(rng, 30, 0.1, 0.3))
        inside += found.low <= 0.1 <= found.high
        half = 1.645 * np.sqrt(found.value * (1 - found.value) / found.n)
        passages += abs(found.value - 0.1) <= half
    assert inside >= 127
    assert passages <= 90


def test_the_difference_holds_0_where_there_is_none() -> None:
    rng = np.random.default_rng(1)
    found = [rate_difference(*world(rng, 30, 0.1, 0.3), *world(rng, 15, 0.1, 0.3)) for _ in range(100)]
    assert sum(each.low <= 0 <= each.high for each in found) >= 83
    far = rate_difference(*world(rng, 30, 0.5, 0.3), *world(rng, 30, 0.02, 0.3))
    assert far.low > 0


def test_none_of_a_hundred_is_a_bound_and_not_nothing() -> None:
    nothing, single = np.zeros(100, bool), np.arange(100)
    found = rate(nothing, single)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(float(clopper_pearson(0, 100, level=0.9)[1]))
    assert rate(~nothing, single).low == pytest.approx(1 - found.high)
    of_ten = rate(nothing, single % 10)
    assert of_ten.high == pytest.approx(float(clopper_pearson(0, 10, level=0.9)[1]))
    alone = rate(np.arange(100) < 30, np.zeros(100, int))
    assert alone.value == 0.3
    assert alone.low < 0.02
    assert alone.high > 0.9


def test_single_passages_have_clopper_and_pearsons_ends_or_wider() -> None:
    hit = np.arange(40) < 7
    low, high = clopper_pearson(7, 40, level=0.9)
    found = rate(hit, np.arange(40))
    assert found.low <= low
    assert found.high >= high
    assert found.high - found.low < 1.1 * (high - low)


def test_paired_models_differ_only_where_one_hits_alone() -> None:
    one, other = np.arange(60) < 30, np.arange(60) < 28
    documents = np.arange(60)
    found = paired_difference(one, other, documents)
    assert found.value == pytest.approx(2 / 60)
    apart = rate_difference(one, documents, other, documents)
    assert found.high - found.low < 0.5 * (apart.high - apart.low)
    same = paired_difference(one, one, documents)
    assert same.low == pytest.approx(-same.high)
    assert 0 < same.high < 0.1


def test_no_passages_are_refused() -> None:
    with pytest.raises(Unsupported, match="`hit` is empty"):
        rate(np.zeros(0, bool), np.zeros(0, int))
