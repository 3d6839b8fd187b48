"""What held-out runs tell of an estimate, against all that can come out, each outcome as probable as it is."""

from itertools import product

import numpy as np
import pytest

from byrote.scores._held_out import Predictions, held_out, squared_error

RUNS = 3


def all_outcomes(p: float) -> tuple[np.ndarray, np.ndarray]:
    """Return everything that RUNS runs can be right about an example, a column each, and how probable each is."""
    right = np.array(list(product((0.0, 1.0), repeat=RUNS))).T
    return right, np.prod(np.where(right == 1, p, 1 - p), axis=0)


def of(mean: np.ndarray, right: np.ndarray, tried: np.ndarray) -> Predictions:
    return Predictions(mean, tried.sum(axis=0) - tried, right * tried, tried)


def test_the_mean_is_the_squared_error_of_predictions_that_depend_on_the_other_runs() -> None:
    right, weight = all_outcomes(0.3)
    tried, never = np.ones_like(right), np.zeros_like(right)
    mean = (right.sum(axis=0) - right + 1) / (RUNS + 1)  # Laplace's rule of the other runs
    found = squared_error(of(mean, right, tried), of(never, never, tried))
    assert weight @ found == pytest.approx(weight @ ((mean - 0.3) ** 2).mean(axis=0), abs=1e-12)


@pytest.mark.parametrize(("p", "q", "m", "n"), [(0.9, 0.2, 0.6, 0.3), (0.5, 0.5, 0.9, 0.8), (1.0, 0.0, 1.0, 0.0)])
def test_the_mean_is_the_squared_error_of_a_difference(p: float, q: float, m: float, n: float) -> None:
    (inside, in_weight), (outside, out_weight) = all_outcomes(p), all_outcomes(q)
    many = inside.shape[1]
    right = np.concatenate([np.repeat(inside, many, axis=1), np.tile(outside, (1, many))])
    is_in = np.concatenate([np.ones((RUNS, many * many)), np.zeros((RUNS, many * many))])
    found = squared_error(of(np.full_like(right, m), right, is_in), of(np.full_like(right, n), right, 1 - is_in))
    assert np.outer(in_weight, out_weight).ravel() @ found == pytest.approx((m - n - (p - q)) ** 2, abs=1e-12)


def test_it_takes_two_runs_of_either_kind() -> None:
    tried = np.array([[1.0, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    right, mean = np.ones_like(tried), np.full_like(tried, 0.5)
    found = held_out((mean[0], mean[0]), (of(mean, right, tried), of(mean, right, 1 - tried)))
    np.testing.assert_array_equal(np.isnan(found.squared_error), [False, False, True, False])
    np.testing.assert_array_equal(found.runs, [[2, 2, 1, 2], [2, 2, 3, 2]])
    np.testing.assert_array_equal(found.others, [[1, 1, 0, 1], [1, 1, 2, 1]])
    np.testing.assert_array_equal(found.spread, np.full((2, 4), 0.25))
    np.testing.assert_array_equal(found.where(tried[1] > 0).runs, [[2, 2], [2, 2]])
