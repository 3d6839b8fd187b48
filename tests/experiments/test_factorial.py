"""Designs against what a resolution means, counted over all combinations, and against pydoe's own list of aliases."""

from itertools import combinations

import numpy as np
import pydoe
import pytest

from byrote.errors import InvalidData
from byrote.experiments.factorial import Factorial, factorial, spend

NAMES = ("data", "variety", "noise", "time", "width", "regularization", "augmentation", "other")


def shortest_word(levels: np.ndarray) -> int:
    """Return the resolution: the fewest factors whose product is the same in all cells."""
    count = levels.shape[1]
    for size in range(1, count + 1):
        for chosen in combinations(range(count), size):
            if abs(levels[:, chosen].prod(axis=1).sum()) == len(levels):
                return size
    return 0


@pytest.mark.parametrize("resolution", [3, 4, 5])
@pytest.mark.parametrize("count", range(1, 9))
def test_a_design_is_balanced_begins_as_it_is_and_has_its_resolution(count: int, resolution: int) -> None:
    as_is = [(-1) ** i for i in range(count)]
    found = factorial(as_is, resolution)
    assert found.levels[0].tolist() == as_is
    assert set(np.unique(found.levels)) == {-1, 1}
    np.testing.assert_array_equal(found.levels.T @ found.levels, len(found.levels) * np.eye(count))
    assert (found.levels.sum(axis=0) == 0).all()
    word = shortest_word(found.levels)
    assert word == 0 if found.resolution == 0 else found.partial or word >= resolution
    assert bool(found.mixed()) == (found.resolution == 3)


def test_aliases_are_those_of_pydoe() -> None:
    found = factorial([1] * 6, 4)
    spelled, _ = pydoe.fracfact_aliasing(found.levels.astype(float))
    pairs = {frozenset(word for word in line.split(" = ") if len(word) == 2) for line in spelled}
    ours = {frozenset("".join("abcdef"[i] for i in pair) for pair in group) for group in found.interactions()}
    assert ours == pairs - {frozenset()}
    words = found.aliases(NAMES)
    assert len(words) == 7
    assert all("cannot be told from" in each for each in words)
    assert sum(each.count(" x ") for each in words) == 15


def test_a_design_of_resolution_three_says_what_its_factors_are_mixed_with() -> None:
    found = factorial([1] * 3, 3)
    assert len(found.levels) == 4
    assert found.aliases(NAMES[:3]) == (
        "data cannot be told from variety x noise",
        "variety cannot be told from data x noise",
        "noise cannot be told from data x variety",
    )
    burman = factorial([1] * 8, 3)
    assert burman.partial
    assert len(burman.levels) == 12
    assert burman.interactions() == ()
    assert "Plackett" in burman.aliases(NAMES)[0]


def test_a_full_factorial_mixes_nothing() -> None:
    found = factorial([1, 1, -1], 5)
    assert isinstance(found, Factorial)
    assert len(found.interactions()) == 3
    assert found.aliases(NAMES) == ()


@pytest.mark.parametrize(
    ("runs", "resolution", "cells", "each", "sweeps"),
    [(400, 5, 32, 10, 7), (96, 4, 16, 4, 7), (60, 3, 8, 4, 7), (45, 3, 8, 3, 7), (44, 3, 8, 5, 0), (16, 3, 8, 2, 0)],
)
def test_a_budget_is_spent_by_the_stated_order(runs: int, resolution: int, cells: int, each: int, sweeps: int) -> None:
    found = spend([1] * 6, runs, can_size=True, can_widen=True)
    assert (found.design.resolution, len(found.design.levels), found.runs) == (resolution, cells, each)
    assert len(found.sizes) + len(found.widths) == sweeps
    assert bool(found.left_out) == (not sweeps)
    assert found.runs * (cells + sweeps) <= runs


def test_a_budget_that_is_too_small_says_the_smallest() -> None:
    with pytest.raises(InvalidData, match=r"15 runs are too few for 6 factors.*Give 16 runs or more"):
        spend([1] * 6, 15, can_size=True, can_widen=True)
    assert spend([1] * 6, 16, can_size=True, can_widen=True).runs == 2
    with pytest.raises(InvalidData, match="No factor"):
        spend([], 96, can_size=False, can_widen=False)
