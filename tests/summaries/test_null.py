"""Shuffled membership: sizes kept, all memberships reached alike, and p-values that are uniform where nothing leaks."""

import itertools
import sys
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import auroc, null

Bools = NDArray[np.bool_]


def _seen(member: Bools, *, keep_examples: bool, shuffles: int, seed: int = 0) -> list[Bools]:
    kept: list[Bools] = []

    def keep(shuffled: Bools) -> float:
        kept.append(shuffled.copy())
        return 0.0

    null(keep, member, keep_examples=keep_examples, shuffles=shuffles, seed=seed)
    return kept[1:]


def _balanced(seed: int, runs: int, examples: int) -> Bools:
    return np.random.default_rng(seed).permuted(np.arange(runs)[:, None] < np.full(examples, runs // 2), axis=0)


def test_runs_keep_their_sizes_and_examples_theirs_when_asked() -> None:
    member = np.random.default_rng(0).random((5, 40)) < 0.6
    for shuffled in _seen(member, keep_examples=False, shuffles=20):
        np.testing.assert_array_equal(shuffled.sum(axis=1), member.sum(axis=1))
    for shuffled in _seen(member, keep_examples=True, shuffles=20):
        np.testing.assert_array_equal(shuffled.sum(axis=1), member.sum(axis=1))
        np.testing.assert_array_equal(shuffled.sum(axis=0), member.sum(axis=0))
        assert np.any(shuffled != member)


def test_all_memberships_with_these_sizes_are_as_likely() -> None:
    """Every 3 x 4 table with rows of 2 and columns of 2, 1, 2, 1: counted by enumeration, chi-squared at .001."""
    member = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0]], bool)
    rows = [np.isin(np.arange(4), pair) for pair in itertools.combinations(range(4), 2)]
    tables = [np.array(table) for table in itertools.product(rows, repeat=3)]
    possible = [table for table in tables if np.array_equal(table.sum(0), member.sum(0))]
    found = Counter(table.tobytes() for table in _seen(member, keep_examples=True, shuffles=4000))
    assert set(found) == {table.tobytes() for table in possible}
    assert stats.chisquare(list(found.values())).pvalue > 0.001


def test_the_member_that_was_given_is_left_alone() -> None:
    member = _balanced(1, 4, 10)
    before = member.copy()
    _seen(member, keep_examples=True, shuffles=3)
    np.testing.assert_array_equal(member, before)


@pytest.mark.parametrize("keep_examples", [False, True])
def test_p_values_of_nothing_are_uniform(keep_examples: bool) -> None:
    """200 records of 4 runs x 24 examples with 19 shuffles: 20 possible p-values, each as likely; chi-squared at .001."""
    found: list[float] = []
    for seed in range(200):
        member, values = _balanced(seed, 4, 24), np.random.default_rng([seed, 9]).normal(size=(4, 24))
        found.append(
            null(
                lambda m, values=values: float(values[m].mean() - values[~m].mean()),
                member,
                keep_examples=keep_examples,
                shuffles=19,
                seed=seed,
            ).p_value
        )
    counts = np.bincount(np.rint(np.array(found) * 20).astype(int) - 1, minlength=20)
    assert stats.chisquare(counts).pvalue > 0.001
    assert np.mean(np.array(found) <= 0.05) < 0.1


def test_p_values_are_uniform_however_badly_the_shuffles_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round of trades leaves most as it was. From the observed itself, extremes would be too many: 400 records."""
    monkeypatch.setattr(sys.modules["byrote.summaries.null"], "ROUNDS", 1)
    found: list[float] = []
    for seed in range(400):
        member, values = _balanced(seed, 8, 20), np.random.default_rng([seed, 9]).normal(size=(8, 20))
        found.append(
            null(
                lambda m, values=values: float(values[m].mean()), member, keep_examples=True, shuffles=19, seed=seed
            ).p_value
        )
    counts = np.bincount(np.rint(np.array(found) * 20).astype(int) - 1, minlength=20)
    assert stats.chisquare(counts).pvalue > 0.001


def test_an_attack_on_one_run_is_chance_under_the_null_and_found_otherwise() -> None:
    rng = np.random.default_rng(2)
    member = (np.arange(200) < 100)[None]
    values = rng.normal(size=200) + member[0]
    found = null(lambda m: auroc(values, m[0]).value, member, shuffles=199)
    assert found.observed == auroc(values, member[0]).value
    assert found.shuffled.mean() == pytest.approx(0.5, abs=0.02)
    assert found.p_value == 1 / 200


def test_examples_that_differ_need_the_kept_counts() -> None:
    """Hard examples are in fewer runs, and nothing else leaks: only the shuffle that keeps the counts sees no leak."""
    rng = np.random.default_rng(3)
    easy = np.linspace(0, 1, 200)
    member = rng.random((8, 200)) < 0.2 + 0.6 * easy
    values = easy + 0.1 * rng.normal(size=(8, 200))

    def gap(m: Bools) -> float:
        return float(values[m].mean() - values[~m].mean())

    assert null(gap, member).p_value == 0.01
    assert null(gap, member, keep_examples=True).p_value > 0.05


def test_ties_with_the_observed_count_as_larger() -> None:
    assert null(lambda m: 1.0, _balanced(4, 4, 6), shuffles=9).p_value == 1


def test_the_same_seed_is_the_same_null_and_another_is_not() -> None:
    member, values = _balanced(5, 4, 20), np.random.default_rng(6).normal(size=(4, 20))
    one, same, other = (null(lambda m: float(values[m].mean()), member, shuffles=9, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.shuffled, same.shuffled)
    assert np.any(one.shuffled != other.shuffled)


def test_what_cannot_be_shuffled_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"0 shuffles.*1 or more"):
        null(lambda m: 0.0, _balanced(0, 4, 6), shuffles=0)
    with pytest.raises(Unsupported, match=r"3 examples in 2 runs.*both members and non-members"):
        null(lambda m: 0.0, np.array([[True] * 3, [False] * 3]))
    with pytest.raises(Unsupported, match=r"in 1 runs.*two or more"):
        null(lambda m: 0.0, np.array([[True, False]]), keep_examples=True)
    with pytest.raises(Unsupported, match=r"10 of 10 memberships.*Leave out"):
        null(lambda m: float("nan"), _balanced(0, 4, 6), shuffles=9)
