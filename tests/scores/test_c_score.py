"""C-score against the loop, and its interval's coverage."""

import numpy as np
import pytest

import oracles
from byrote.scores import c_score, memorization


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    correct, member = rng.random((2, 8, 20)) < 0.5
    expected = [correct[~m, i].mean() if not m.all() else np.nan for i, m in enumerate(member.T)]
    np.testing.assert_allclose(c_score(correct, member), expected)


def test_what_happens_in_runs_with_the_example_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    correct, member = rng.random((2, 20, 10)) < 0.5
    np.testing.assert_array_equal(c_score(correct | member, member), c_score(correct & ~member, member))


def test_of_a_learner_that_fits_everything_it_is_one_minus_memorization() -> None:
    points, labels = oracles.problem(0, n=20)
    member = np.random.default_rng(2).random((60, 20)) < 0.7
    correct = oracles.refit(oracles.nearest_neighbour, points, labels, member)
    np.testing.assert_allclose(c_score(correct, member), 1 - memorization(correct, member))


def test_is_undefined_where_the_example_was_always_in() -> None:
    member = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(c_score(member, member), [np.nan, 0.0])


def test_interval_covers() -> None:
    """4,000 proportions over 40 runs: standard error .0045, so false alarms are below 1 in 10,000."""
    rng = np.random.default_rng(3)
    correct, member = rng.random((40, 4000)) < 0.3, np.zeros((40, 4000), bool)
    assert c_score.interval
    low, high = c_score.interval(correct, member, level=0.9)
    assert 0.87 < ((low <= 0.3) & (high >= 0.3)).mean() < 0.95
