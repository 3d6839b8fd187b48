"""Label memorization against exact leave-one-out, exhaustive enumeration, and its own nominal coverage."""

import itertools

import numpy as np
import pytest

import oracles
from byrote.scores import memorization
from byrote.summaries import gap

LEARNERS = [oracles.nearest_neighbour, oracles.ridge]


def _loop(correct: oracles.Bools, member: oracles.Bools) -> oracles.Floats:
    values = []
    for example in range(member.shape[1]):
        inside = [c[example] for c, m in zip(correct, member, strict=True) if m[example]]
        outside = [c[example] for c, m in zip(correct, member, strict=True) if not m[example]]
        values.append(np.mean(inside) - np.mean(outside) if inside and outside else np.nan)
    return np.array(values, np.float64)


def _balanced(runs: int, n: int, seed: int) -> oracles.Bools:
    """Return halves of which each example is in exactly half: a random half, then its complement."""
    rng = np.random.default_rng(seed)
    halves = rng.permuted(np.tile(np.arange(n) < n // 2, (runs // 2, 1)), axis=1)
    return np.concatenate([halves, ~halves])


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    correct, member = rng.random((2, 7, 40)) < 0.5
    np.testing.assert_allclose(memorization(correct, member), _loop(correct, member), rtol=1e-12)


def test_is_undefined_where_never_in_or_never_out_and_negative_where_it_harms() -> None:
    member = np.array([[True, False, True], [True, False, False]])
    correct = np.array([[True, True, False], [True, True, True]])
    np.testing.assert_array_equal(memorization(correct, member), [np.nan, np.nan, -1.0])
    assert memorization.interval
    low, high = memorization.interval(correct, member, level=0.9)
    assert np.isnan(low[:2]).all()
    assert np.isnan(high[:2]).all()


@pytest.mark.parametrize("seed", range(20))
def test_closed_forms_equal_refitting(seed: int) -> None:
    points, labels = oracles.problem(seed, n=15, classes=3)
    design = oracles.leave_out(np.arange(15))
    for learner, left_out in [
        (oracles.nearest_neighbour, oracles.nearest_neighbour_left_out(points, labels)),
        (oracles.ridge, oracles.ridge_left_out(points, labels)),
    ]:
        correct = oracles.refit(learner, points, labels, design)
        np.testing.assert_array_equal(np.diag(correct[1:]), left_out)
        exact = correct[0].astype(float) - left_out
        estimate = memorization(correct[[0]].repeat(15, 0), np.ones((15, 15), bool))
        assert np.isnan(estimate).all()
        both = np.stack([[correct[0, i], correct[1 + i, i]] for i in range(15)], axis=1)
        np.testing.assert_array_equal(memorization(both, np.stack([np.ones(15, bool), np.zeros(15, bool)])), exact)


def test_isolated_examples_with_random_labels_are_known_by_byrote() -> None:
    points = np.arange(10.0)[:, None] ** 2  # every nearest other point is the one before
    labels = np.arange(10) % 2
    design = oracles.leave_out(np.arange(10))
    correct = oracles.refit(oracles.nearest_neighbour, points, labels, design)
    assert correct[0].all()
    assert not oracles.nearest_neighbour_left_out(points, labels).any()
    np.testing.assert_array_equal(memorization(correct, design), 1.0)


def test_duplicates_hide_each_other_unless_left_out_together() -> None:
    points = np.array([[0.0], [0.0], [1.0], [3.0]])
    labels = np.array([0, 0, 1, 1])
    alone, together = oracles.leave_out(np.arange(4)), oracles.leave_out(np.array([0, 0, 1, 2]))
    values = [
        memorization(oracles.refit(oracles.nearest_neighbour, points, labels, design), design)[:2]
        for design in (alone, together)
    ]
    np.testing.assert_array_equal(values, [[0, 0], [1, 1]])


def test_a_random_design_converges_to_exhaustive_enumeration() -> None:
    """The error is that of two proportions, so 16 times the runs make it 4 times smaller (within 25 %)."""
    rng = np.random.default_rng(0)
    for learner in LEARNERS:
        points, labels = oracles.problem(3)
        members = oracles.all_subsets(8, 5)
        correct = oracles.refit(learner, points, labels, members)
        exact = memorization(correct, members)
        assert exact.max() > 0
        errors = []
        for runs in (50, 800):
            draws = [rng.integers(len(members), size=runs) for _ in range(200)]
            estimates = np.array([memorization(correct[draw], members[draw]) for draw in draws])
            errors.append(np.sqrt(np.mean((estimates - exact) ** 2)))
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.25)
        assert errors[1] < 0.03


def test_enumeration_equals_its_definition() -> None:
    """Over all subsets of 6 of 8, each example is in 21 and out of 7."""
    points, labels = oracles.problem(1)
    members = oracles.all_subsets(8, 6)
    assert members.sum(axis=0).tolist() == [21] * 8
    correct = oracles.refit(oracles.ridge, points, labels, members)
    np.testing.assert_allclose(memorization(correct, members), _loop(correct, members))


@pytest.mark.slow
def test_intervals_cover_at_their_nominal_rate() -> None:
    """Against the exact values, over 10 problems x 200 designs of 40 random subsets of 5 of 8 examples.

    Where neither probability is certain a nominal .90 covers in .90; where one of them is 0 or 1 the interval
    is conservative and covers in .94. With 2,000 independent designs each rate has a standard error of at
    most .007 even if the examples of a design moved together: a false alarm at 3.5 of them, 1 in 2,000.
    """
    rng = np.random.default_rng(0)
    members = oracles.all_subsets(8, 5)
    hits: dict[int, list[oracles.Bools]] = {1: [], 2: []}
    assert memorization.interval
    for learner, seed in itertools.product(LEARNERS, range(10)):
        correct = oracles.refit(learner, *oracles.problem(seed), members)
        exact = memorization(correct, members)
        uncertain = np.zeros(8, int)
        for side in (members, ~members):
            uncertain += (correct & side).any(axis=0) & (~correct & side).any(axis=0)
        for _ in range(200):
            draw = rng.integers(len(members), size=40)
            low, high = memorization.interval(correct[draw], members[draw], level=0.9)
            for count, seen in hits.items():
                seen.append(((low <= exact) & (exact <= high))[uncertain == count])
    assert np.concatenate(hits[2]).mean() == pytest.approx(0.90, abs=0.025)
    assert np.concatenate(hits[1]).mean() == pytest.approx(0.94, abs=0.025)


def test_mean_memorization_is_the_generalization_gap() -> None:
    points, labels = oracles.problem(0, n=20, classes=3)
    balanced = _balanced(30, 20, seed=1)
    correct = oracles.refit(oracles.nearest_neighbour, points, labels, balanced)
    assert memorization(correct, balanced).mean() == pytest.approx(gap(correct, balanced).value, abs=1e-12)

    loose = np.random.default_rng(2).random((400, 20)) < 0.5
    correct = oracles.refit(oracles.nearest_neighbour, points, labels, loose)
    measured = gap(correct, loose)
    assert measured.low < memorization(correct, loose).mean() < measured.high
