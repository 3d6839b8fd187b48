"""The weight-norm peak of series whose peak is known."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.summaries import weight_norm_peak


def test_is_the_first_peak_and_not_the_highest() -> None:
    assert weight_norm_peak(np.array([1.0, 2.0, 3.0, 2.5, 9.0, 1.0])) == 3
    steps = np.arange(1, 200)
    assert weight_norm_peak(np.sin(steps * np.pi / 100)) == 50


@pytest.mark.parametrize(
    ("norm", "step"), [([1.0, 2.0, 3.0], np.inf), ([3.0, 2.0], 1), ([1.0, 2.0, 2.0, 1.0], 2), ([1.0, 1.0], np.inf)]
)
def test_ends_and_plateaus(norm: list[float], step: float) -> None:
    assert weight_norm_peak(np.array(norm)) == step


def test_scale_and_shift_do_not_matter_and_what_comes_after_neither() -> None:
    norm = np.array([1.0, 4.0, 6.0, 5.0, 7.0])
    assert weight_norm_peak(10 * norm + 3) == weight_norm_peak(norm) == weight_norm_peak(norm[:4]) == 3


@pytest.mark.parametrize(("norm", "bad"), [([1.0], 0), ([1.0, np.nan, 2.0], 1), ([1.0, np.inf], 1)])
def test_bad_series_are_refused(norm: list[float], bad: int) -> None:
    with pytest.raises(Unsupported, match=rf"given {len(norm)} with {bad} .*Record the norm at every step"):
        weight_norm_peak(np.array(norm))
