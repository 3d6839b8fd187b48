"""Memorization and influence by probabilities: the loop, the hard outcome as a special case, and coverage."""

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.errors import Unsupported
from byrote.scores import influence, memorization, soft_influence, soft_memorization

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def _loop(outcome: Floats, member: Bools) -> Floats:
    values = []
    for said, inside in zip(outcome.T, member.T, strict=True):
        a = [v for v, m in zip(said, inside, strict=True) if m and not np.isnan(v)]
        b = [v for v, m in zip(said, inside, strict=True) if not m and not np.isnan(v)]
        values.append(sum(a) / len(a) - sum(b) / len(b) if a and b else np.nan)
    return np.array(values)


def _data(seed: int, runs: int = 9, n: int = 40) -> tuple[Floats, Bools]:
    rng = np.random.default_rng(seed)
    confidence, member = rng.random((runs, n)), rng.random((runs, n)) < 0.6
    confidence[rng.random((runs, n)) < 0.2] = np.nan
    member[:, 0], member[:, 1] = True, False
    return confidence, member


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_loop(seed: int, dtype: type[np.floating]) -> None:
    confidence, member = _data(seed)
    confidence = confidence.astype(dtype)
    expected = _loop(confidence.astype(np.float64), member)
    assert np.isnan(expected[:2]).all()
    assert np.isfinite(expected[2:]).sum() > 30
    np.testing.assert_allclose(soft_memorization(confidence, member), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_influence_equals_the_loop_over_pairs(seed: int) -> None:
    confidence, member = _data(seed)
    targets = confidence[:, 3:10]
    expected = np.stack([_loop(np.repeat(t[:, None], member.shape[1], 1), member) for t in targets.T], axis=1)
    np.testing.assert_allclose(soft_influence(targets, member), expected, rtol=1e-12, atol=1e-14)
    assert np.isnan(expected[:2]).all()


def test_of_right_and_wrong_both_are_the_hard_ones_with_their_intervals() -> None:
    rng = np.random.default_rng(0)
    correct, member = rng.random((2, 30, 20)) < 0.5
    for soft, hard in ((soft_memorization, memorization), (soft_influence, influence)):
        assert soft.interval
        assert hard.interval
        np.testing.assert_allclose(soft(correct + 0.0, member), hard(correct, member), atol=1e-6)
        ends = soft.interval(correct + 0.0, member, level=0.8), hard.interval(correct, member, level=0.8)
        np.testing.assert_allclose(*ends, atol=1e-6)


def test_influence_where_nothing_is_missing_and_all_are_in() -> None:
    rng = np.random.default_rng(0)
    confidence, member = rng.random((31, 8)), rng.random((31, 20)) < 0.6
    member[:, 0], member[:, 1] = True, False
    expected = np.stack([_loop(np.repeat(t[:, None], 20, 1), member) for t in confidence.T], axis=1)
    np.testing.assert_allclose(soft_influence(confidence, member), expected, rtol=1e-11, atol=1e-14)
    assert np.isnan(expected[:2]).all()
    assert soft_influence.interval
    for end in soft_influence.interval(confidence, member, level=0.9):
        np.testing.assert_array_equal(np.isnan(end), np.isnan(expected))


def test_influence_on_itself_is_memorization_and_so_is_its_interval() -> None:
    confidence, member = _data(5)
    assert soft_memorization.interval
    assert soft_influence.interval
    np.testing.assert_allclose(
        np.diag(soft_influence(confidence, member)), soft_memorization(confidence, member), atol=1e-14
    )
    for pair, own in zip(
        soft_influence.interval(confidence, member, level=0.9),
        soft_memorization.interval(confidence, member, level=0.9),
        strict=True,
    ):
        np.testing.assert_allclose(np.diag(pair), own, atol=1e-12)


def test_a_constant_shift_of_both_sides_does_not_matter() -> None:
    confidence, member = _data(1)
    np.testing.assert_allclose(
        soft_memorization(confidence / 2 + 0.25, member), soft_memorization(confidence, member) / 2, atol=1e-15
    )


@pytest.mark.parametrize("jump", [0.05, 0.3, 1.0])
def test_the_interval_holds_the_truth_at_least_as_often_as_it_says(jump: float) -> None:
    """Rare jumps of the probability, of which few runs know, do not fool it. 4,000 examples: error .005."""
    rng = np.random.default_rng(0)
    member = np.arange(20)[:, None] < np.full(4000, 14)
    jumped = rng.random(member.shape) < jump
    outside = np.where(jumped, rng.random(member.shape), 0.02)
    confidence = np.where(member, rng.uniform(0.8, 1, member.shape), outside)
    truth = 0.9 - (jump * 0.5 + (1 - jump) * 0.02)
    assert soft_memorization.interval
    low, high = soft_memorization.interval(confidence, member, level=0.9)
    assert ((low <= truth) & (truth <= high)).mean() > 0.9


def test_it_is_less_noisy_than_right_and_wrong() -> None:
    """At a probability of a half, right is a coin of variance .25; its mean probability has that of U(.2, .8), .03."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.8, (20, 3000))
    member = rng.permuted(np.tile(np.arange(20) < 10, (3000, 1)), axis=1).T
    noise = soft_memorization(p, member).std(), memorization(rng.random(p.shape) < p, member).std()
    np.testing.assert_allclose(noise, np.sqrt([0.03 / 5, 0.25 / 5]), rtol=0.05)


@pytest.mark.parametrize("bad", [-0.01, 1.01, np.inf])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    confidence, member = _data(0)
    confidence[3, 4] = bad
    for soft in (soft_memorization, soft_influence):
        with pytest.raises(Unsupported, match=r"1 of 360 values.*`counterfactual`"):
            soft(confidence, member)


def test_no_run_and_one_example() -> None:
    nothing = np.zeros((0, 3)), np.zeros((0, 3), bool)
    assert np.isnan(soft_memorization(*nothing)).all()
    assert np.isnan(soft_influence(*nothing)).all()
    one = np.array([[1.0], [0.25]]), np.array([[True], [False]])
    assert soft_memorization(*one).tolist() == [0.75]
    assert soft_influence(*one).tolist() == [[0.75]]
