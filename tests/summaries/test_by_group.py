"""Means of groups against the loop, and intervals that hold together."""

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.stats.intervals import clopper_pearson, student
from byrote.summaries import by_group


def test_equals_the_loop_with_bonferroni() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=60), rng.integers(4, size=60)
    values[:5] = np.nan
    measured = by_group(values, groups, level=0.8)
    assert list(measured) == ["0", "1", "2", "3"]
    for name, estimate in measured.items():
        own = values[(groups == int(name)) & ~np.isnan(values)]
        low, high = student(own.mean(), own.var(ddof=1), len(own), level=0.95)
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((own.mean(), float(low), float(high)))
        assert (estimate.n, estimate.level) == (len(own), 0.8)


def test_true_and_false_have_exact_intervals() -> None:
    measured = by_group(np.array([True, True, False, False, False]), np.array(["a", "a", "b", "b", "b"]))
    low, high = clopper_pearson(np.array([2, 0]), np.array([2, 3]), level=0.95)
    assert (measured["a"].value, measured["a"].low, measured["a"].high) == pytest.approx((1, low[0], high[0]))
    assert (measured["b"].value, measured["b"].low, measured["b"].high) == pytest.approx((0, low[1], high[1]))


def test_a_mask_as_real_numbers_is_refused() -> None:
    """Student's interval of 0.0 and 1.0 is another one than that of a share."""
    mask, groups = np.array([True, True, False, False, False]), np.array(["a", "a", "b", "b", "b"])
    for floats in (mask.astype(float), np.array([1, np.nan, 0, 0, 0], np.float32)):
        with pytest.raises(InvalidData, match=r"real numbers that are all 0 or 1.*Give booleans \(values == 1\)"):
            by_group(floats, groups)
    assert by_group(np.zeros(5), groups)["a"].value == 0, "what is 0 everywhere has no other interval"
    assert by_group(mask + 0.5, groups)["a"].value == 1.5


def test_all_intervals_hold_at_once() -> None:
    """500 tables of 10 classes: standard error .013; single intervals at .9 would all hold in .35 of them."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(10), 20)
    tables = [by_group(rng.normal(size=200), groups) for _ in range(500)]
    together = np.mean([all(e.low <= 0 <= e.high for e in table.values()) for table in tables])
    assert together == pytest.approx(0.9, abs=0.045)


def test_one_group_is_the_plain_interval() -> None:
    values = np.arange(5.0)
    low, high = student(2.0, 2.5, 5, level=0.9)
    only = by_group(values, np.zeros(5, int))["0"]
    assert (only.low, only.high) == pytest.approx((float(low), float(high)))


def test_small_and_empty_groups_have_no_interval_and_are_not_forgotten() -> None:
    measured = by_group(np.array([1.0, np.nan, 3.0, 4.0]), np.array(["one", "none", "two", "two"]))
    assert (measured["one"].value, measured["one"].n, np.isnan(measured["one"].low)) == (1, 1, True)
    assert (np.isnan(measured["none"].value), measured["none"].n) == (True, 0)
    assert measured["two"].low < 3.5 < measured["two"].high


def test_nothing_is_refused() -> None:
    with pytest.raises(Unsupported, match="`values` is empty"):
        by_group(np.zeros(0), np.zeros(0, int))
