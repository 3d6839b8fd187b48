"""Splitting: which rows are the test set. By itself, by a column, or by time; a group is never on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.inputs.counts import counted

SPLIT_SEED = 0
"""Seed of the draw. It does not follow the seed of an audit: audits of one file with other seeds have one test set."""

BINS = 10
"""Of a regression, the test set is drawn in proportion from so many parts of the targets, of equally many rows."""

WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), ""),
}
"""What the words of a split column mean; those of validation data are left out of both sides."""


@dataclass(frozen=True, eq=False)
class Split:
    """Who is where: masks over the rows (a row may be in neither), and what was done, as sentences."""

    train: Bool[ndarray, " example"]
    test: Bool[ndarray, " example"]
    sentences: tuple[str, ...]


@checked
def at_random(
    strata: Int[ndarray, " example"], share: float, groups: NDArray[np.str_] | None = None, *, of: str = "rows"
) -> Split:
    """Return a split with a `share` of the groups (or rows) in the test set, drawn in proportion from each stratum.

    `strata` are whole numbers: the class of each row, or the bin of its target. A group counts for its commonest stratum; an
    empty group is a row by itself. A stratum with one group or row stays in training, and so
    does a group of more rows than are wanted, while there are enough others. `of` says what the rows are: "pictures".
    """
    units = unit_of(groups, len(strata))
    count, sizes = int(units.max()) + 1, np.bincount(units)
    rng = np.random.default_rng(SPLIT_SEED)
    own = _commonest(units, strata, count)
    wanted, several = share * len(strata), np.bincount(own)[own] > 1
    small = several & (sizes <= max(1, wanted))
    usual = np.flatnonzero(small if 2 * wanted <= sizes[small].sum() else several)
    order = usual[np.lexsort((rng.random(len(usual)), own[usual]))]
    ends = np.floor(np.arange(len(order) + 1) * share + rng.random())  # every whole number that is passed takes one
    chosen = np.zeros(count, np.bool_)
    chosen[order[np.diff(ends) > 0]] = True
    chosen[order[:1]] |= not chosen.any()
    for unit in rng.permutation(np.flatnonzero(several)).tolist():  # groups differ in size: too few rows may be drawn
        rows = int(sizes[chosen].sum())
        if rows < wanted / 2 and rows + sizes[unit] <= 2 * wanted:
            chosen[unit] = True
    test = chosen[units]
    _check(test, share, of)
    verb = "is" if test.sum() == 1 else "are"
    whole = "" if groups is None or not (groups != "").any() else "; groups are whole on one side"
    return Split(~test, test, (f"{test.sum():,} of {len(test):,} {of} {verb} the test set, drawn at random{whole}.",))


def by_column(name: str, words: Sequence[str], groups: NDArray[np.str_] | None = None) -> Split:
    """Return the split that a column says; raise InvalidData for words that it cannot be, and for groups on both sides."""
    spelled = np.array([word.strip().lower() for word in words])
    odd = sorted({word for word in set(spelled.tolist()) if word not in WORDS})
    if odd:
        raise InvalidData(
            f"The column {name!r} says which rows are the test set, and holds {', '.join(map(repr, odd[:5]))}. Write train and test in it (rows with validation are left out)."
        )
    side = np.array([WORDS[word] for word in spelled.tolist()])
    train, test = side == "train", side == "test"
    if not train.any() or not test.any():
        missing = "train" if not train.any() else "test"
        raise InvalidData(f"The column {name!r} has no row with {missing}. Give a column that has both train and test.")
    both = set() if groups is None else set(groups[train].tolist()) & set(groups[test].tolist()) - {""}
    if both:
        raise InvalidData(
            f"{counted(len(both), 'group has', 'groups have')} rows on both sides of {name!r}, for example {min(both)!r}: a test set must not know them. Correct the column, or leave out the group."
        )
    sentences = [f"{test.sum():,} of {len(test):,} rows are the test set, as the column {name!r} says."]
    if left := int((side == "").sum()):
        sentences.append(
            f"{counted(left, f'row of {name!r} is', f'rows of {name!r} are')} validation data, which byrote does not use, and left out."
        )
    return Split(train, test, tuple(sentences))


@checked
def by_time(
    name: str, times: Float[ndarray, " example"], share: float, groups: NDArray[np.str_] | None = None
) -> Split:
    """Return the split whose test set is the last `share` of the rows; those of one moment are on one side.

    Later rows of a group that the training data know are left out, and so are rows whose time is missing (NaN). Raises
    InvalidData where that leaves nothing to test.
    """
    known = np.isfinite(times)
    if not known.any():
        raise InvalidData(f"The column {name!r} has no time that can be read. Give a column of dates or numbers.")
    first = np.quantile(times[known], 1 - share, method="higher")
    train, test = known & (times < first), known & (times >= first)
    sentences: list[str] = []
    if groups is not None:
        again = test & np.isin(groups, np.unique(groups[train])) & (groups != "")
        test = test & ~again
        if again.any():
            sentences.append(
                f"{counted(int(again.sum()), 'later row', 'later rows')} of groups that the training data have already {'is' if again.sum() == 1 else 'are'} left out of the test set."
            )
    if not train.any() or not test.any():
        raise InvalidData(
            f"The last part by {name!r} leaves {train.sum()} training rows and {test.sum()} test rows"
            + (" of groups that are not known from before" if groups is not None else "")
            + ". Give another share, or split without a time."
        )
    sentences.insert(0, f"{test.sum():,} of {len(test):,} rows are the test set: the last by {name!r}.")
    if not known.all():
        sentences.append(
            f"{counted(int((~known).sum()), f'row without a time in {name!r} is', f'rows without a time in {name!r} are')} left out."
        )
    return Split(train, test, tuple(sentences))


@checked
def bins(targets: Float[ndarray, " example"]) -> Int[ndarray, " example"]:
    """Return for each target the number of its part: BINS parts of equally many rows, as strata of a regression."""
    edges = np.quantile(targets, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, targets, side="right").astype(np.int64)


def unit_of(groups: NDArray[np.str_] | None, count: int) -> NDArray[np.int64]:
    """Return the number of each row's group; a row without one ("") is a unit of its own."""
    if groups is None:
        return np.arange(count)
    units, own = np.zeros(count, np.int64), groups == ""
    names, units[~own] = np.unique(groups[~own], return_inverse=True)
    units[own] = len(names) + np.arange(int(own.sum()))
    return units


def _commonest(units: NDArray[np.int64], strata: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return for each unit the stratum that most of its rows have."""
    pairs, times = np.unique(np.stack([units, strata]), axis=1, return_counts=True)
    order = np.argsort(times, kind="stable")
    own = np.zeros(count, np.int64)
    own[pairs[0][order]] = pairs[1][order]  # the last to be written has the most rows
    return own


def _check(test: NDArray[np.bool_], share: float, of: str) -> None:
    if not test.any() or test.all():
        raise InvalidData(
            f"A test set of {share:g} of {len(test)} {of} would leave {'none to test' if not test.any() else 'none to train'}. Give more data, another share, or fewer and smaller groups."
        )
