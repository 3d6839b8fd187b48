"""The difference of two recalls: exact in simple cases, and its interval holds the truth in simulations."""

import numpy as np
import pytest
from scipy.special import expit

from byrote.errors import Unsupported
from byrote.summaries.recall_difference import recall_difference


def test_simple_cases() -> None:
    right = np.array([[1, 1, 0, 1], [1, 0, 0, 1]], bool)
    found = recall_difference(right, ~right)
    assert found.value == 2 * right.mean() - 1
    same = recall_difference(np.ones((3, 40), bool), np.ones((3, 40), bool))
    assert same.value == 0
    assert -0.1 < same.low < 0 < same.high < 0.1
    swapped = recall_difference(~right, right)
    assert (swapped.low, swapped.high) == (-found.high, -found.low)
    with pytest.raises(Unsupported):
        recall_difference(np.ones((0, 4), bool), np.ones((0, 4), bool))


@pytest.mark.parametrize(("runs", "examples"), [(3, 100), (4, 20), (10, 300)])
def test_coverage(runs: int, examples: int) -> None:
    rng = np.random.default_rng(0)

    def draw(runs: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
        ease = rng.normal(0, 1, examples)
        one, other = (1 + ease + rng.normal(0, 0.4, (runs, 1)) for _ in range(2))
        return rng.random((runs, examples)) < expit(one), rng.random((runs, examples)) < expit(other + 0.5)

    truth = np.subtract(*(each.mean() for each in draw(1000, 2000)))
    held = [
        found.low <= truth <= found.high for found in (recall_difference(*draw(runs, examples)) for _ in range(300))
    ]
    assert 0.84 <= np.mean(held) <= 0.99
