"""Who is in the test set: classes in proportion, groups on one side, by a column, by time."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from byrote.errors import InvalidData
from byrote.inputs.splitting import at_random, bins, by_column, by_time


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(4, 300), classes=st.integers(1, 6), share=st.sampled_from([0.1, 0.2, 0.5]), seed=st.integers(0, 99)
)
def test_classes_are_in_proportion_and_the_share_is_kept(n: int, classes: int, share: float, seed: int) -> None:
    strata = np.random.default_rng(seed).integers(0, classes, n)
    assume(np.bincount(strata).max() > 1)
    split = at_random(strata, share)
    assert (split.train ^ split.test).all()
    assert split.test.any()
    counts = np.bincount(strata)
    expected, found = counts * share, np.bincount(strata[split.test], minlength=len(counts))
    assert (np.abs(found - expected) <= 1.001)[counts > 1].all()
    assert not found[counts == 1].any()


@settings(max_examples=40, deadline=None)
@given(n=st.integers(30, 300), groups=st.integers(6, 60), seed=st.integers(0, 99))
def test_a_group_is_never_on_both_sides(n: int, groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = rng.integers(0, groups, n).astype(str)
    names[:3] = ""
    split = at_random(rng.integers(0, 3, n), 0.2, names)
    assert not (set(names[split.train]) & set(names[split.test])) - {""}
    assert 0.05 < split.test.mean() <= 0.5


def test_a_group_of_most_rows_stays_in_training() -> None:
    names = np.array(["large"] * 80 + [f"{at}" for at in range(40)])
    for strata in (np.zeros(120, np.int64), np.arange(120) % 2):
        assert "large" not in names[at_random(strata, 0.3, names).test]


def test_a_column_says_who_is_tested_and_validation_is_left_out() -> None:
    split = by_column("part", ["Train", "test ", "val", "train", "test"])
    assert split.train.tolist() == [True, False, False, True, False]
    assert split.test.tolist() == [False, True, False, False, True]
    assert "1 row of 'part' is validation data" in split.sentences[1]
    with pytest.raises(InvalidData, match="holds 'tset'"):
        by_column("part", ["train", "tset"])
    with pytest.raises(InvalidData, match="no row with test"):
        by_column("part", ["train", "train"])
    with pytest.raises(InvalidData, match=r"1 group .* for example 'ann'"):
        by_column("part", ["train", "test"], np.array(["ann", "ann"]))


def test_the_last_part_by_time_without_groups_that_are_known() -> None:
    times = np.array([5.0, 1, 2, 3, 4, 5, np.nan])
    split = by_time("when", times, 0.3)
    assert split.test.tolist() == [True, False, False, False, False, True, False]
    assert not split.train[-1]
    split = by_time("when", times, 0.3, np.array(["a", "a", "b", "b", "", "", ""]))
    assert split.test.tolist() == [False, False, False, False, False, True, False]
    with pytest.raises(InvalidData, match="leaves 4 training rows and 0 test rows"):
        by_time("when", times, 0.3, np.array(["a"] * 7))


def test_bins_of_a_target_hold_equally_many_rows() -> None:
    assert np.bincount(bins(np.random.default_rng(0).normal(size=1000))).tolist() == [100] * 10
