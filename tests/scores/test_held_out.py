"""What held-out runs tell of an estimate, against all that can come out, each outcome as probable as it is."""

from itertools import product

import numpy as np
import pytest

from byrote.scores._held_out import HeldOut, Predictions, held_out

RUNS = 3


def all_outcomes(p: float) -> tuple[np.ndarray, np.ndarray]:
    """Return everything that RUNS runs can be right about an example, a column each, and how probable each is."""
    right = np.array(list(product((0.0, 1.0), repeat=RUNS))).T
    return right, np.prod(np.where(right == 1, p, 1 - p), axis=0)


def of(mean: np.ndarray, right: np.ndarray, tried: np.ndarray) -> Predictions:
    return Predictions(mean, tried.sum(axis=0) - tried, right * tried, tried, right * tried)


def told(inside: Predictions, outside: Predictions) -> HeldOut:
    return held_out((inside.mean[0], outside.mean[0]), inside, outside)


def squared_error(inside: Predictions, outside: Predictions) -> np.ndarray:
    found = told(inside, outside)
    return found.estimate_squared - 2 * found.times_truth + found.truth_squared


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


def test_products_have_the_true_ones_as_their_means() -> None:
    """Half of the examples have each truth, so the shares of right outcomes that values are counted from are known."""
    truths, made = ((0.9, 0.2), (0.7, 0.6)), (0.5, 0.1)
    columns, weights = [], []
    for p, q in truths:
        (inside, in_weight), (outside, out_weight) = all_outcomes(p), all_outcomes(q)
        many = inside.shape[1]
        columns.append(np.concatenate([np.repeat(inside, many, axis=1), np.tile(outside, (1, many))]))
        weights.append(np.outer(in_weight, out_weight).ravel())
    right = np.concatenate(columns, axis=1)
    is_in = np.repeat([[1.0], [0.0]], RUNS, axis=0) * np.ones_like(right)
    found = told(of(np.full_like(right, made[0]), right, is_in), of(np.full_like(right, made[1]), right, 1 - is_in))
    centre = right[:RUNS].mean() - right[RUNS:].mean()
    for (p, q), weight, part in zip(truths, weights, np.split(np.arange(right.shape[1]), 2), strict=True):
        totals = [weight @ each[part] for each in (found.estimate_squared, found.times_truth, found.truth_squared)]
        made_, true = made[0] - made[1] - centre, p - q - centre
        np.testing.assert_allclose(totals, [made_**2, made_ * true, true**2], atol=1e-12)


def test_it_takes_two_runs_of_either_kind() -> None:
    tried = np.array([[1.0, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    right, mean = np.ones_like(tried), np.full_like(tried, 0.5)
    found = told(of(mean, right, tried), of(mean, right, 1 - tried))
    for each in (found.estimate_squared, found.times_truth, found.truth_squared):
        np.testing.assert_array_equal(np.isnan(each), [False, False, True, False])
    np.testing.assert_array_equal(found.runs, [[2, 2, 1, 2], [2, 2, 3, 2]])
    np.testing.assert_array_equal(found.others, [[1, 1, 0, 1], [1, 1, 2, 1]])
    np.testing.assert_array_equal(found.spread, np.full((2, 4), 0.25))
    np.testing.assert_array_equal(found.where(tried[1] > 0).runs, [[2, 2], [2, 2]])
