"""The generalization gap against the loop over runs."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.summaries import gap


def test_equals_the_loop_over_runs() -> None:
    correct, member = np.random.default_rng(0).random((2, 9, 30)) < 0.6
    gaps = [c[m].mean() - c[~m].mean() for c, m in zip(correct, member, strict=True)]
    measured = gap(correct, member, level=0.8)
    assert measured.value == pytest.approx(np.mean(gaps))
    assert (measured.high - measured.low) / 2 == pytest.approx(1.396815 * np.std(gaps, ddof=1) / 3)  # t(8), .9
    assert (measured.n, measured.unit, measured.level) == (9, "run", 0.8)


def test_swapping_members_and_non_members_turns_the_sign() -> None:
    correct, member = np.random.default_rng(1).random((2, 9, 30)) < 0.6
    assert gap(correct, ~member).value == pytest.approx(-gap(correct, member).value)


def test_runs_without_either_side_do_not_count() -> None:
    correct, member = np.random.default_rng(2).random((2, 5, 30)) < 0.6
    extra = np.ones((1, 30), bool)
    padded = gap(np.concatenate([correct, extra, extra]), np.concatenate([member, extra, ~extra]))
    assert padded == gap(correct, member)
    nothing = gap(extra, extra)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
    assert nothing.n == 0


def test_one_run_has_a_value_and_no_interval() -> None:
    member = np.array([[True, False]])
    one = gap(member, member)
    assert one.value == 1
    assert np.isnan([one.low, one.high]).all()


def test_the_interval_covers_at_the_null() -> None:
    """Labels guessed by coin: 1,000 records of 10 runs, standard error .0095; +-.03 is 1 in 600."""
    rng = np.random.default_rng(3)
    member = rng.random((10, 50)) < 0.7
    estimates = [gap(rng.random((10, 50)) < 0.5, member) for _ in range(1000)]
    assert np.mean([e.low <= 0 <= e.high for e in estimates]) == pytest.approx(0.9, abs=0.03)


def test_other_axes_are_refused() -> None:
    with pytest.raises(InvalidData, match="`member` has 4 along the axis example, and `correct` has 3"):
        gap(np.ones((2, 3), bool), np.ones((2, 4), bool))
