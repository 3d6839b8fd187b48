from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import ByroteError, InvalidData
from byrote.task.designs import DESIGNS, KFold, LeaveGroupOut, LeaveOneOut, Subsets, halves, parse_design

FRACTIONS = [0.7, 0.5, 0.9, 1 / 3]
EXACT = {0.7: Fraction(7, 10), 0.5: Fraction(1, 2), 0.9: Fraction(9, 10), 1 / 3: Fraction(1, 3)}


def names(n: int) -> NDArray[np.str_]:
    return np.arange(n).astype(np.str_)


def uneven(needs: NDArray[np.int64], runs: int) -> int:
    """By how much run sizes can differ: examples with the same need are dealt in turns of `runs`, the last one cut short."""
    return sum(
        min(need, runs - need, rest, runs - rest)
        for need, rest in ((int(k), int((needs == k).sum()) % runs) for k in np.unique(needs))
    )


@pytest.mark.parametrize("fraction", FRACTIONS)
@given(blocks=st.lists(st.integers(1, 23), min_size=1, max_size=5), n=st.integers(1, 90), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_subsets_are_balanced_after_every_block(fraction: float, blocks: list[int], n: int, seed: int) -> None:
    member = Subsets(fraction).membership(blocks, names(n), seed)
    assert member.shape == (sum(blocks), n)
    done = 0
    for runs in blocks:
        block, done = member[done : done + runs], done + runs
        counts, expected = member[:done].sum(0), EXACT[fraction] * done
        assert set(counts.tolist()) <= {int(np.floor(expected)), int(np.ceil(expected))}
        assert abs(counts.sum() - expected * n) <= 1
        assert np.ptp(block.sum(1)) <= uneven(block.sum(0), runs)


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_subsets_have_runs_of_equal_size(fraction: float) -> None:
    """Of 3,500 members, a few more or less."""
    sizes = Subsets(fraction).membership([20], names(5_013), 0).sum(1)
    assert np.ptp(sizes) <= 12
    assert sizes.mean() == pytest.approx(fraction * 5_013, abs=1)


@pytest.mark.parametrize("design", [Subsets(0.7), halves(), KFold(5), LeaveOneOut(), LeaveGroupOut()], ids=str)
def test_earlier_blocks_do_not_change(design: Subsets) -> None:
    groups = names(40)
    first, both = design.membership([10], groups, 3), design.membership([10, 15], groups, 3)
    np.testing.assert_array_equal(both[:10], first)
    np.testing.assert_array_equal(design.membership([10, 15], groups, 3), both)


@pytest.mark.parametrize("design", [Subsets(0.7), KFold(5)], ids=str)
def test_the_seed_is_all_the_randomness(design: Subsets) -> None:
    np.random.seed(1)  # noqa: NPY002
    before = design.membership([10], names(40), 3)
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(design.membership([10], names(40), 3), before)
    assert (design.membership([10], names(40), 4) != before).mean() > 0.1


@pytest.mark.parametrize(("fraction", "blocks"), [(0.7, [7]), (1 / 3, [4, 3]), (0.5, [5]), (0.9, [3, 2, 2])])
def test_every_example_and_run_has_the_same_chance(fraction: float, blocks: Sequence[int]) -> None:
    """Over 800 seeds, each of the runs x examples cells is a binomial count; chi-square at 1 in 1,000."""
    runs, n, seeds = sum(blocks), 5, 800
    inside = sum(Subsets(fraction).membership(blocks, names(n), seed).astype(int) for seed in range(seeds))
    p = np.broadcast_to(np.asarray(inside).sum(1, keepdims=True) / (n * seeds), (runs, n))
    chi2 = ((inside - seeds * p) ** 2 / (seeds * p * (1 - p))).sum()
    assert chi2 < stats.chi2.ppf(0.999, runs * (n - 1))
    np.testing.assert_allclose(p[: blocks[0], 0], p[: blocks[0]].mean(), atol=0.03)


def test_pairs_of_examples_are_not_correlated() -> None:
    """Each of 14 of 20 runs: two examples share 9.8 runs if independent, 9.68 if dealt like cards from one deck.

    Only examples of one deal share a deck (20 of 400), so the mean correlation is about -1/19 x 19/399.
    """
    member = Subsets(0.7).membership([20], names(400), 0).astype(float)
    correlation = np.corrcoef(member.T)[np.triu_indices(400, 1)]
    assert correlation.mean() == pytest.approx(-1 / 399, abs=0.001)
    assert np.abs(correlation).max() < 1
    assert correlation.std() == pytest.approx(1 / np.sqrt(19), rel=0.1)


def test_one_deal_of_subsets_leaves_no_pair_behind() -> None:
    """Over 800 seeds, the mean correlation of each of the pairs of a deal is -1/(runs - 1), whoever they are."""
    runs, n, seeds = 6, 4, 800
    shared = sum((m.T @ m) for m in (Subsets(0.5).membership([runs], names(n), s).astype(int) for s in range(seeds)))
    pairs = np.asarray(shared)[np.triu_indices(n, 1)] / (seeds * runs)
    np.testing.assert_allclose(pairs, 0.25 - 0.25 / (runs - 1), atol=0.02)


def test_neighbours_in_the_data_are_dealt_like_any_two() -> None:
    """Copies often lie side by side. Of 24 examples in decks of 4, neighbours share a deck 3 times in 23.

    If they always did, they would share .167 of the runs. Over 600 seeds the standard error is .001.
    """
    drawn = np.stack([Subsets(0.5).membership([4], names(24), seed) for seed in range(600)])
    shared = (drawn[:, :, 0:-1:4] & drawn[:, :, 1::4]).mean()
    assert shared == pytest.approx(0.25 - 0.25 / 3 * 3 / 23, abs=0.006)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_subsets_refuse_a_fraction_that_leaves_no_one_in_or_out(fraction: float) -> None:
    with pytest.raises(InvalidData, match=rf"subsets\(fraction={fraction}\).*between 0 and 1"):
        Subsets(fraction)


@given(folds=st.integers(2, 7), repeats=st.integers(1, 3), extra=st.integers(0, 20), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_each_repeat_of_k_fold_leaves_everyone_out_once(folds: int, repeats: int, extra: int, seed: int) -> None:
    n = folds + extra
    member = KFold(folds).membership([folds] * repeats, names(n), seed)
    for repeat in np.split(member, repeats):
        np.testing.assert_array_equal((~repeat).sum(0), 1)
        assert np.ptp(repeat.sum(1)) <= 1


def test_repeats_of_k_fold_cut_differently() -> None:
    first, second = np.split(KFold(2).membership([4], names(50), 0), 2)
    assert (first != second).any(axis=None)
    assert (first != ~second).any(axis=None)


def test_k_fold_refuses_what_it_cannot_balance() -> None:
    with pytest.raises(InvalidData, match="4 examples cannot be cut into 5 folds"):
        KFold(5).membership([5], names(4), 0)
    with pytest.raises(InvalidData, match=r"7 runs do not complete a repeat of 5 folds\. Give 5 or 10 runs"):
        KFold(5).membership([5, 2], names(40), 0)
    with pytest.raises(InvalidData, match=r"3 runs do not complete a repeat of 5 folds\. Give 5 or 10 runs"):
        KFold(5).membership([3], names(40), 0)


@pytest.mark.parametrize("folds", [1, 0, -3, 2.5, True])
def test_k_fold_refuses_folds_that_are_no_number_of_folds(folds: int) -> None:
    with pytest.raises(InvalidData, match=rf"kfold\(folds={folds}\)"):
        KFold(folds)


def test_leave_one_out_leaves_out_each_in_turn() -> None:
    member = LeaveOneOut().membership([3, 4], names(5), 0)
    assert [np.flatnonzero(~run).tolist() for run in member] == [[0], [1], [2], [3], [4], [0], [1]]
    assert LeaveOneOut().default_runs(names(5)) == 5


def test_leave_group_out_leaves_copies_out_together() -> None:
    groups = np.array(["b", "a", "b", "c", "a"])
    member = LeaveGroupOut().membership([4], groups, 0)
    assert [np.flatnonzero(~run).tolist() for run in member] == [[1, 4], [0, 2], [3], [1, 4]]
    assert LeaveGroupOut().default_runs(groups) == 3
    with pytest.raises(InvalidData, match="needs two groups or more, but there is 1"):
        LeaveGroupOut().membership([4], np.array(["a", "a"]), 0)


@pytest.mark.parametrize("design", [Subsets(0.7), Subsets(1 / 3), halves(), KFold(3), LeaveOneOut(), LeaveGroupOut()])
def test_its_text_is_the_design(design: Subsets) -> None:
    assert parse_design(str(design)) == design
    assert type(design).name in DESIGNS


def test_designs_are_read_from_text() -> None:
    assert parse_design("halves") == Subsets(0.5)
    assert parse_design("kfold") == KFold(5)
    assert parse_design(" subsets( fraction = 0.9 )") == Subsets(0.9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("subset", "no design named 'subset'. Did you mean 'subsets'"),
        ("subsets(share=0.7)", "options of subsets are: fraction"),
        ("halves(fraction=0.5)", "halves has no options"),
        ("leave_one_out(k=2)", "options of leave_one_out are: none"),
        ("kfold(5)", "not a name with options"),
        ("kfold(folds=1)", "leaves nothing to train on"),
        ("kfold(folds='five')", "kfold.folds='five'."),
        ("subsets(fraction='most')", "subsets.fraction='most'."),
        ("__import__('os').getcwd()", "not a name with options"),
    ],
)
def test_what_is_not_a_design_is_refused(text: str, told: str) -> None:
    with pytest.raises(ByroteError, match=told):
        parse_design(text)
