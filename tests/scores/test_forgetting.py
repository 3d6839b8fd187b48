"""Forgetting events against the loop over presentations."""

from itertools import pairwise

import numpy as np
import pytest

from byrote.scores import forgetting


def _loop(history: list[float]) -> float:
    presented = [value for value in history if not np.isnan(value)]
    if not presented:
        return np.nan
    if 1 not in presented:
        return np.inf
    return sum(a == 1 and b == 0 for a, b in pairwise(presented))


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_equals_the_loop(steps: int) -> None:
    seen = np.random.default_rng(steps).choice([0.0, 1.0, np.nan], size=(steps, 200))
    expected = [_loop(list(history)) for history in seen.T]
    np.testing.assert_array_equal(forgetting(seen), expected)


def test_never_learned_is_infinite_never_presented_is_undefined() -> None:
    seen = np.array([[0.0, np.nan, 1.0, 1.0, 0.0], [0.0, np.nan, 1.0, 0.0, 1.0]])
    np.testing.assert_array_equal(forgetting(seen), [np.inf, np.nan, 0, 1, 0])


def test_a_gap_between_presentations_hides_nothing() -> None:
    assert forgetting(np.array([[1.0], [np.nan], [0.0]])) == 1


def test_forgetting_again_after_relearning_counts_again() -> None:
    once = np.array([[0.0], [1.0], [0.0]])
    assert forgetting(np.concatenate([once, once, once])) == 3 * forgetting(once)
