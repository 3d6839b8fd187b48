"""Memorization of groups: leave-group-out by hand, groups of one, and a design that splits them."""

import numpy as np
import pytest

import oracles
from byrote.errors import MissingEvidence
from byrote.scores import group_memorization, memorization


def _loop(correct: oracles.Bools, member: oracles.Bools, groups: list[str]) -> dict[str, float]:
    found = {}
    for name in sorted({g for g in groups if g}):
        who = [i for i, g in enumerate(groups) if g == name]
        shares = {True: [], False: []}
        for said, inside in zip(correct, member, strict=True):
            if len({inside[i] for i in who}) == 1:
                shares[bool(inside[who[0]])].append(sum(said[i] for i in who) / len(who))
        found[name] = np.mean(shares[True]) - np.mean(shares[False]) if shares[True] and shares[False] else np.nan
    return found


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_loop_and_skips_runs_that_split_a_group(seed: int) -> None:
    rng = np.random.default_rng(seed)
    correct, member = rng.random((2, 60, 9)) < 0.5
    groups = ["b", "a", "", "b", "c", "c", "a", "c", ""]
    found = group_memorization(correct, member, np.array(groups))
    expected = _loop(correct, member, groups)
    assert found.names.tolist() == list(expected) == ["a", "b", "c"]
    np.testing.assert_allclose(found.value, list(expected.values()), rtol=1e-12)
    assert found.size.tolist() == [2, 2, 3]
    assert (found.runs_in + found.runs_out < 60).all()
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


def test_groups_of_one_are_memorization_with_its_interval() -> None:
    rng = np.random.default_rng(0)
    correct, member = rng.random((2, 30, 8)) < 0.5
    found = group_memorization(correct, member, np.array(list("abcdefgh")), level=0.8)
    np.testing.assert_allclose(found.value, memorization(correct, member))
    assert memorization.interval
    np.testing.assert_allclose((found.low, found.high), memorization.interval(correct, member, level=0.8))
    np.testing.assert_array_equal(found.runs_in, member.sum(axis=0))


def test_it_sees_duplicates_that_hide_each_other() -> None:
    points, labels = np.array([[0.0], [0.0], [1.0], [3.0]]), np.array([0, 0, 1, 1])
    groups = np.array(["twins", "twins", "x", "y"])
    design = oracles.leave_out(np.array([0, 0, 1, 2]))
    correct = oracles.refit(oracles.nearest_neighbour, points, labels, design)
    found = group_memorization(correct, design, groups)
    assert dict(zip(found.names.tolist(), found.value.tolist(), strict=True)) == {"twins": 1, "x": 1, "y": 0}
    assert found.runs_out.tolist() == [1, 1, 1]
    alone = oracles.leave_out(np.arange(4))
    assert memorization(oracles.refit(oracles.nearest_neighbour, points, labels, alone), alone)[0] == 0


def test_the_order_of_the_examples_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    correct, member = rng.random((2, 40, 10)) < 0.5
    groups, order = np.array([*list("aabbccddd"), ""]), rng.permutation(10)
    one, other = (
        group_memorization(correct, member, groups),
        group_memorization(correct[:, order], member[:, order], groups[order]),
    )
    np.testing.assert_allclose(one.value, other.value)
    np.testing.assert_array_equal(one.size, other.size)


def test_it_is_undefined_where_a_group_is_never_out_or_never_in_and_negative_where_it_harms() -> None:
    member = np.array([[1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 0, 0]], bool)
    correct = np.array([[1, 1, 0, 1, 0, 0], [1, 0, 1, 1, 1, 1]], bool)
    found = group_memorization(correct, member, np.array(list("aabbcc")))
    np.testing.assert_array_equal(found.value, [np.nan, np.nan, -1])
    np.testing.assert_array_equal(np.isnan(found.low), [True, True, False])


def test_the_examples_of_a_run_are_one_trial() -> None:
    """A group of a hundred that is right together is as sure as one example that is right."""
    member = np.array([[True], [True], [False], [False]]).repeat(101, axis=1)
    correct = member.copy()
    groups = np.array(["one"] + ["hundred"] * 100)
    found = group_memorization(correct, member, groups)
    assert found.low[0] == found.low[1] < 0.5
    assert found.size.tolist() == [100, 1]


def test_refuses_what_does_not_leave_groups_out_together() -> None:
    alone = oracles.leave_out(np.arange(4))
    with pytest.raises(MissingEvidence, match=r"2 groups .* 5 runs.*leave_group_out"):
        group_memorization(alone, alone, np.array(list("aabb")))
    with pytest.raises(MissingEvidence, match=r"no example has one.*Give the examples `groups`"):
        group_memorization(alone, alone, np.array([""] * 4))
