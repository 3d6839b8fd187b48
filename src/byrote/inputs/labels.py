"""Labels: what a table's label column makes of a task: classes with names, or the numbers of a regression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.inputs.columns import Column
from byrote.inputs.counts import first_of
from byrote.inputs.identifiers import judge

CODES = 20
"""Whole numbers 0, 1, 2 ... without a gap, at most so many, are the numbers of classes."""

MOST = 0.5
"""Share of the rows that may have different words as their label, at most."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be learned: class indices with names, or numbers (then there are no names); which rows have it; what to say.

    `labels` has an entry for each row; where `there` is false it means nothing.
    """

    labels: NDArray[np.int64] | NDArray[np.float64]
    classes: tuple[str, ...]
    there: NDArray[np.bool_]
    becomes: str
    notes: tuple[str, ...] = ()


def target_of(column: Column, stated: str | None = None) -> Target:
    """Return what a label column means. Words and booleans are classes, numbers a regression, unless the user `stated` category.

    Raises InvalidData where there is nothing to learn: no label, one value, or words that are nearly all different.
    """
    there = ~column.missing
    notes: list[str] = list(column.notes)
    if not there.any() or column.kind in ("empty", "other"):
        raise InvalidData(f"The label {column.name!r} has no value that can be learned. Name another column.")
    if column.kind in ("number", "date"):
        numbers = column.values
        if column.kind == "number" and (stated in ("category", "boolean") or _are_codes(numbers[there], column.whole)):
            how = "numbers of classes" if stated is None else "classes, as given"
            return _classes(column.name, numbers, there, how, notes)
        if len(np.unique(numbers[there])) == 1:
            raise _single(column.name, f"{numbers[there][0]:g}", there)
        reason = judge(column).dropped if stated is None else ""
        if reason:
            raise InvalidData(
                f"The label {column.name!r} looks like an id ({reason.partition(':')[0]}), from which nothing can be learned. Name another column, or say --type {column.name}=number if it is to be predicted."
            )
        if column.kind == "date":
            notes.append(
                "it holds dates: the model predicts the day, as days since 1970; is this what is to be learned?"
            )
        more = (
            f"; with --type {column.name}=category, its {column.distinct} values are classes"
            if column.distinct <= CODES
            else ""
        )
        return Target(numbers, (), there, f"a number to predict: a regression{more}", tuple(notes))
    if column.distinct > max(2, MOST * there.sum()):
        raise InvalidData(
            f"The label {column.name!r} has {column.distinct:,} different words in {there.sum():,} rows, so most are there once: these are no classes. Name another column, or say --type {column.name}=number if it is one."
        )
    return _named(column, there, notes)


def _named(column: Column, there: NDArray[np.bool_], notes: list[str]) -> Target:
    if column.distinct == 1:
        raise _single(column.name, column.words[0], there)
    return _counted(column.name, column.codes, column.words, there, "words", [*notes, *_spellings(column.words)])


def _spellings(words: tuple[str, ...]) -> list[str]:
    """Return the warning about words that differ in case or blanks only; none where there are none."""
    alike: dict[str, list[str]] = {}
    for word in words:
        alike.setdefault(" ".join(word.casefold().split()), []).append(word)
    several = [" and ".join(map(repr, group)) for group in alike.values() if len(group) > 1]
    if not several:
        return []
    return [f"{first_of(several)} are classes of their own, and differ in case or blanks only: are they the same?"]


def _classes(name: str, numbers: NDArray[np.float64], there: NDArray[np.bool_], how: str, notes: list[str]) -> Target:
    values, codes = np.unique(numbers[there], return_inverse=True)
    words = tuple(f"{value:.0f}" if value == np.floor(value) else f"{value:g}" for value in values.tolist())
    if len(values) == 1:
        raise _single(name, words[0], there)
    labels = np.full(len(numbers), -1, np.int64)
    labels[there] = codes
    return _counted(name, labels, words, there, how, notes)


def _counted(
    name: str, labels: NDArray[np.int64], words: tuple[str, ...], there: NDArray[np.bool_], how: str, notes: list[str]
) -> Target:
    counts = np.bincount(labels[there], minlength=len(words))
    single = np.flatnonzero(counts == 1)
    if len(single):
        notes.append(
            f"{len(single)} of {len(words)} classes {'has' if len(single) == 1 else 'have'} one row, for example {words[int(single[0])]!r}: what is known of these is by rote"
        )
    return Target(labels, words, there, f"{len(words)} classes ({how})", tuple(notes))


def _are_codes(values: NDArray[np.float64], whole: bool) -> bool:
    """Return whether numbers are 0, 1, 2 ... without a gap."""
    found = np.unique(values)
    return whole and 2 <= len(found) <= CODES and bool((found == np.arange(len(found))).all())


def _single(name: str, value: str, there: NDArray[np.bool_]) -> InvalidData:
    return InvalidData(
        f"All {there.sum():,} rows have {value!r} as their {name!r}: there is nothing to learn. Name another column as --label."
    )
