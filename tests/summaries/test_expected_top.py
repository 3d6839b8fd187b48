"""The expected share of a right list against lists that are known, and against the truth that values were drawn from."""

import numpy as np
import pytest

from byrote.errors import Unsupported
from byrote.summaries import expected_top


def test_is_how_many_of_the_top_are_right() -> None:
    rng = np.random.default_rng(0)
    promised: list[float] = []
    seen: list[float] = []
    for _ in range(40):
        truth = rng.exponential(size=400)
        mean = truth + 0.3 * rng.normal(size=400)
        half = 0.3 * 1.645
        promised.append(expected_top(mean, mean - half, mean + half, k=40).value)
        seen.append(len(set(np.argsort(-mean)[:40]) & set(np.argsort(-truth)[:40])) / 40)
    assert 0.5 < np.mean(promised) < 0.9
    assert np.mean(promised) == pytest.approx(np.mean(seen), abs=0.04)


def test_exact_values_give_a_right_list() -> None:
    value = np.arange(10.0)
    found = expected_top(value, value, value, k=3)
    assert (found.value, found.low, found.high, found.n) == (1, 1, 1, 3)


def test_each_side_has_its_own_width() -> None:
    """The second can only be larger than it seems, so it is in the list half of the time; or only smaller, so it is not."""
    value, none = np.array([1.0, 0.9, 0.0]), np.zeros(3)
    wide = np.array([0.0, 100.0, 0.0])
    assert expected_top(value, value, value + wide, k=1).value == pytest.approx(0.5, abs=0.1)
    assert expected_top(value, value - wide + none, value, k=1).value == 1


def test_equal_values_are_chance() -> None:
    value = np.zeros(50)
    assert expected_top(value, value - 1, value + 1, k=5).value == pytest.approx(0.1)
    assert expected_top(value, value, value, k=50).value == 1


@pytest.mark.parametrize("k", [0, 4])
def test_a_list_longer_than_the_examples_is_refused(k: int) -> None:
    with pytest.raises(Unsupported, match=f"k={k}, and there are 3 examples"):
        expected_top(np.zeros(3), np.zeros(3), np.zeros(3), k=k)


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(Unsupported, match="cannot rank NaN"):
        expected_top(np.array([0.0, np.nan]), np.zeros(2), np.zeros(2), k=1)
