"""Estimates made of means, shares, differences and parts, against the intervals they stand for."""

import numpy as np
import pytest
from scipy import stats

from byrote.stats.estimate import Estimate
from byrote.stats.intervals import jackknife_interval, newcombe, wilson

VALUES = [0.2, 0.5, 0.9, 0.4]


def test_a_mean_has_students_interval_and_leaves_nan_out() -> None:
    found = Estimate.of_mean([*VALUES, np.nan], "run", level=0.8)
    low, high = stats.t.interval(0.8, 3, np.mean(VALUES), stats.sem(VALUES))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(VALUES), low, high))
    assert (found.n, found.unit, found.level) == (4, "run", 0.8)


def test_of_one_value_nothing_tells_how_sure_it_is_and_of_none_nothing_is_known() -> None:
    one = Estimate.of_mean([0.25], "run")
    assert one.value == 0.25
    assert np.isnan([one.low, one.high]).all()
    none = Estimate.of_mean([np.nan], "run")
    assert np.isnan([none.value, none.low, none.high]).all()
    assert none.n == 0


def test_a_share_has_wilsons_interval_and_nothing_has_none() -> None:
    found = Estimate.of_share(3, 10, "example")
    assert (found.value, found.low, found.high) == pytest.approx((0.3, *map(float, wilson(3, 10, level=0.9))))
    assert np.isnan(Estimate.of_share(0, 0, "example").value)


def test_a_difference_has_newcombes_interval_and_counts_both_sides() -> None:
    found = Estimate.of_difference(9, 10, 2, 8, "example")
    assert (found.value, found.low, found.high) == pytest.approx((0.65, *map(float, newcombe(9, 10, 2, 8, level=0.9))))
    assert found.n == 18
    assert np.isnan(Estimate.of_difference(9, 10, 0, 0, "example").value)


def test_parts_have_the_jackknifes_interval() -> None:
    leave_one_out = np.array([0.5, 0.6, 0.4])
    found = Estimate.of_parts(0.5, leave_one_out, "run")
    assert (found.low, found.high) == jackknife_interval(0.5, leave_one_out, level=0.9)
    assert found.n == 3


def test_an_interval_can_end_where_the_number_must() -> None:
    found = Estimate(0.95, 0.8, 1.2, 5, "run").within(0.0, 1.0)
    assert (found.value, found.low, found.high) == (0.95, 0.8, 1.0)


def test_an_exact_share_has_clopper_and_pearsons_interval() -> None:
    found = Estimate.of_share(3, 10, "example", exact=True)
    low, high = stats.beta.ppf(0.05, 3, 8), stats.beta.ppf(0.95, 4, 7)
    assert (found.value, found.low, found.high) == pytest.approx((0.3, low, high))


def test_an_increasing_function_moves_value_and_ends() -> None:
    found = Estimate(0.5, 0.25, 1.0, 5, "run", 0.8).transformed(lambda x: 2 * x)
    assert found == Estimate(1.0, 0.5, 2.0, 5, "run", 0.8)


def test_a_lower_bound_is_open_above() -> None:
    assert Estimate.of_lower_bound(1.5, 7, "guess") == Estimate(1.5, 1.5, np.inf, 7, "guess", 0.95)
