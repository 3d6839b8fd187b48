"""Precision and recall against the list written out, and against precision_at_k."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.summaries import label_errors, precision_at_k


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_lists_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, wrong = rng.integers(6, size=50).astype(float), rng.random(50) < 0.3
    values[:2] = np.inf
    curve = label_errors(values, wrong)
    assert list(curve.cut) == sorted(set(values), reverse=True)
    for i, cut in enumerate(curve.cut):
        named = values >= cut
        assert curve.listed[i] == named.sum()
        assert curve.precision[i] == pytest.approx(wrong[named].mean())
        assert curve.recall[i] == pytest.approx((wrong & named).sum() / wrong.sum())
        exact = precision_at_k(values, wrong, k=int(named.sum()))
        assert (curve.precision_low[i], curve.precision_high[i]) == pytest.approx((exact.low, exact.high))
    assert (curve.recall[-1], curve.precision[-1]) == (1, pytest.approx(wrong.mean()))
    assert curve.base_rate == pytest.approx(wrong.mean())


def test_perfect_and_reversed_lists() -> None:
    wrong = np.arange(20) >= 15
    perfect, reversed_ = label_errors(np.arange(20.0), wrong), label_errors(-np.arange(20.0), wrong)
    np.testing.assert_array_equal(perfect.precision[:5], 1)
    np.testing.assert_allclose(perfect.recall[:5], [0.2, 0.4, 0.6, 0.8, 1])
    np.testing.assert_array_equal(reversed_.precision[:15], 0)
    assert perfect.precision_low[4] == pytest.approx(0.05**0.2)
    assert np.all(perfect.recall_low < perfect.recall_high)


def test_any_increasing_change_of_the_values_leaves_it_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    values, wrong, order = rng.normal(size=30), rng.random(30) < 0.4, rng.permutation(30)
    one, other = label_errors(values, wrong), label_errors(np.exp(values[order]), wrong[order])
    np.testing.assert_array_equal(one.precision, other.precision)
    np.testing.assert_array_equal(one.recall_high, other.recall_high)


def test_the_intervals_cover() -> None:
    """The 40 of 400 with the largest values, of which each is wrong with probability .6: 500 lists, error .013."""
    rng = np.random.default_rng(6)
    held = []
    for _ in range(500):
        curve = label_errors(np.arange(400.0), rng.random(400) < np.where(np.arange(400) < 360, 0.1, 0.6))
        held.append(curve.precision_low[39] <= 0.6 <= curve.precision_high[39])
    assert np.mean(held) > 0.87


def test_nan_and_one_kind_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"1 of the 2 values.*Leave"):
        label_errors(np.array([np.nan, 1.0]), np.array([True, False]))
    with pytest.raises(Unsupported, match=r"given 0 and 3.*missing kind"):
        label_errors(np.zeros(3), np.zeros(3, bool))
