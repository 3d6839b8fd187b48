"""Influence against the loop over pairs."""

import numpy as np
import pytest

import oracles
from byrote.scores import influence, memorization


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    correct, member = rng.random((12, 6)) < 0.5, rng.random((12, 9)) < 0.6
    expected = [[correct[m, target].mean() - correct[~m, target].mean() for target in range(6)] for m in member.T]
    np.testing.assert_allclose(influence(correct, member), expected, rtol=1e-12, atol=1e-15)


def test_on_itself_it_is_memorization_and_so_is_its_interval() -> None:
    rng = np.random.default_rng(0)
    correct, member = rng.random((2, 30, 10)) < 0.5
    np.testing.assert_allclose(np.diag(influence(correct, member)), memorization(correct, member))
    assert influence.interval
    assert memorization.interval
    for pairs, examples in zip(
        influence.interval(correct, member, level=0.8),
        memorization.interval(correct, member, level=0.8),
        strict=True,
    ):
        np.testing.assert_allclose(np.diag(pairs), examples)


def test_blocks_of_targets_give_the_same() -> None:
    rng = np.random.default_rng(1)
    correct, member = rng.random((2, 30, 10)) < 0.5
    blocks = [influence(correct[:, :4], member), influence(correct[:, 4:], member)]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), influence(correct, member))


def test_a_target_is_helped_by_its_twin_and_by_no_one_else() -> None:
    """Each test point has one close training point, and all other training points have another label."""
    centres = np.arange(6.0)[:, None] * 10
    points, labels = np.concatenate([centres, centres + 0.1]), np.tile(np.arange(6), 2)
    member = np.random.default_rng(2).random((80, 12)) < 0.5
    member[:, 6:] = False
    member = member[member.any(axis=1)]
    correct = oracles.refit(oracles.nearest_neighbour, points, labels, member)
    values = influence(correct[:, 6:], member[:, :6])
    np.testing.assert_array_equal(np.diag(values), 1.0)
    assert np.abs(values[~np.eye(6, dtype=bool)]).max() < 0.5


def test_is_undefined_where_the_example_was_always_or_never_in() -> None:
    values = influence(np.ones((4, 2), bool), np.tile([True, False], (4, 1)))
    assert np.isnan(values).all()


def test_counts_stay_exact_with_many_runs() -> None:
    """Half of 5,000 runs: float16 sums cannot tell 2,499 from 2,500."""
    member = np.arange(5000)[:, None] % 2 == 0
    correct = np.ones((5000, 1), bool)
    correct[0] = False
    assert influence(correct, member)[0, 0] == 2499 / 2500 - 1
