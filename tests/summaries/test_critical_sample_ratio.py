"""Critical sample ratio: a share with Wilson's interval."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.summaries import critical_sample_ratio


def test_is_the_share_of_ones_with_wilsons_interval() -> None:
    """Wilson's for 8 of 10 at 95 %, as printed by Newcombe's method 3: .490 to .943."""
    found = critical_sample_ratio(np.array([1.0] * 8 + [0.0, np.nan, 0.0]), level=0.95)
    assert (found.value, found.n, found.unit, found.level) == (0.8, 10, "example", 0.95)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_all_and_none_still_have_an_interval() -> None:
    none, every = critical_sample_ratio(np.zeros(50)), critical_sample_ratio(np.ones(50))
    assert (none.value, none.low, every.value, every.high) == (0, 0, 1, 1)
    assert none.high == pytest.approx(1 - every.low)
    assert none.high > 0.02


def test_undefined_is_nan() -> None:
    found = critical_sample_ratio(np.array([np.nan, np.nan]))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n == 0


def test_refuses_what_is_no_answer() -> None:
    with pytest.raises(Unsupported, match=r"2 of 4 values.*`critical`"):
        critical_sample_ratio(np.array([0.0, 1.0, 0.5, -1.0, np.nan]))
