"""Bits of random labels against the ends of the scale and a model of known capacity."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.summaries import bits_memorized, bits_per_parameter


def test_all_labels_none_and_worse_than_guessing() -> None:
    assert bits_memorized(np.zeros(100), classes=8).value == pytest.approx(300)
    assert bits_memorized(np.full(100, np.log(8)), classes=8).value == pytest.approx(0, abs=1e-9)
    assert bits_memorized(np.full(100, 2 * np.log(8)), classes=8).value == pytest.approx(-300)


def test_a_table_of_labels_holds_one_label_per_entry() -> None:
    """A table that stores 60 of 100 labels of 4 classes and guesses the others: 120 bits."""
    loss = np.where(np.arange(100) < 60, 0.0, np.log(4))
    total = bits_memorized(loss, classes=4)
    assert total.value == pytest.approx(120)
    assert (total.n, total.unit) == (100, "example")
    half = 1.660391 * np.std(2 - loss / np.log(2), ddof=1) * 10  # t(99), .95
    assert (total.low, total.high) == pytest.approx((120 - half, 120 + half))
    each = bits_per_parameter(loss, classes=4, parameters=50)
    assert (each.value, each.low, each.high) == pytest.approx((2.4, total.low / 50, total.high / 50))


def test_single_precision_sums_do_not_lose_bits() -> None:
    loss = np.full(1_000_000, 0.1, np.float32)
    expected = 1_000_000 * (1 - float(loss[0]) / np.log(2))
    assert bits_memorized(loss, classes=2).value == pytest.approx(expected, rel=1e-9)


def test_the_interval_covers_what_other_labels_give() -> None:
    """600 draws of 200 exponential losses, standard error .012."""
    rng = np.random.default_rng(0)
    found = [bits_memorized(rng.exponential(0.5, 200), classes=10) for _ in range(600)]
    truth = 200 * (np.log2(10) - 0.5 / np.log(2))
    assert np.mean([e.low <= truth <= e.high for e in found]) == pytest.approx(0.9, abs=0.05)


def test_an_infinite_loss_is_minus_infinity_without_an_interval() -> None:
    found = bits_memorized(np.array([0.0, np.inf]), classes=2)
    assert found.value == -np.inf
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(bits_memorized(np.zeros(1), classes=2).low)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"2 losses of 3 classes, 1 .*NaN.*for every example"):
        bits_memorized(np.array([np.nan, 1.0]), classes=3)
    with pytest.raises(Unsupported, match="`loss` is empty"):
        bits_memorized(np.zeros(0), classes=3)
    with pytest.raises(Unsupported, match=r"of 1 classes.*two classes or more"):
        bits_memorized(np.zeros(3), classes=1)
    with pytest.raises(Unsupported, match=r"0 parameters.*number that was trained"):
        bits_per_parameter(np.zeros(3), classes=2, parameters=0)
