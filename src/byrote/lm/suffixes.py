"""Suffix array of one shard: where a text occurs in it, and how long the text around each place of another text occurs."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray

from byrote.errors import missing_extra
from byrote.lm.shards import BORDER

CAP = 128
"""Bytes up to which all places of a text are compared at once; longer matches are followed one by one."""

BATCH = 1 << 16
"""Places of a text that are compared at once."""

NOTHING = 0xFE
"""A byte that is neither in UTF-8 nor a border: it stands behind a text that is looked for, and equals nothing."""


@dataclass(frozen=True, eq=False)
class Suffixes:
    """The places of a shard in the order of the text that begins there, without those of borders.

    `pairs[p]` is how many suffixes are smaller than all that begin with the two bytes p = 256 a + b; it has one entry more
    than there are pairs. Suffix arrays: Manber & Myers, 1993.
    """

    text: UInt8[ndarray, " byte"]
    places: Int[ndarray, " suffix"]
    pairs: Int[ndarray, " pair"]

    def range_of(self, pattern: bytes) -> tuple[int, int]:
        """Return the ranks [first, end) of the suffixes that begin with the pattern, which is not empty."""
        if len(pattern) == 1:
            return int(self.pairs[pattern[0] << 8]), int(self.pairs[(pattern[0] + 1) << 8])
        pair = pattern[0] << 8 | pattern[1]
        low, high = int(self.pairs[pair]), int(self.pairs[pair + 1])
        if len(pattern) == 2 or low == high:
            return low, high
        view: Any = self.text.data
        places, size = self.places, len(pattern)

        def beginning(rank: int) -> bytes:
            place = int(places[rank])
            return bytes(view[place : place + size])

        first = bisect_left(range(high), pattern, low, high, key=beginning)
        return first, bisect_right(range(high), pattern, first, high, key=beginning)

    def longest(self, text: UInt8[ndarray, " byte"]) -> Int[ndarray, " byte"]:
        """Return for each byte of a text how many bytes from there occur in the shard, counted up to CAP."""
        padded = np.concatenate([text, np.full(CAP + 16, NOTHING, np.uint8)])
        parts = [
            self._longest(padded, np.arange(start, min(start + BATCH, len(text))))
            for start in range(0, len(text), BATCH)
        ]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def _longest(self, query: UInt8[ndarray, " byte"], at: Int[ndarray, " place"]) -> Int[ndarray, " place"]:
        """Binary search of all places at once. It keeps how many bytes both ends of each range share with the query."""
        pair = query[at].astype(np.int64) << 8 | query[at + 1]
        low, high = self.pairs[pair] - 1, self.pairs[pair + 1]
        alone = self.pairs[(pair >> 8) << 8] < self.pairs[((pair >> 8) + 1) << 8]
        found = np.where(high - low > 1, 2, alone.astype(np.int64))
        searched = np.flatnonzero(high - low > 1)
        low, high, at = low[searched], high[searched], at[searched]
        shared_low, shared_high = np.full(len(at), 2), np.full(len(at), 2)
        going = np.arange(len(at))
        theirs, ours = _words(self.text), _words(query)
        while len(going):
            middle = (low[going] + high[going]) // 2
            shared, above = _compare(
                theirs, self.places[middle].astype(np.int64), ours, at[going],
                np.minimum(shared_low[going], shared_high[going]),
            )  # fmt: skip
            upper, lower = going[above], going[~above]
            high[upper], shared_high[upper] = middle[above], shared[above]
            low[lower], shared_low[lower] = middle[~above], shared[~above]
            best = np.maximum(shared_low[going], shared_high[going])
            going = going[(high[going] - low[going] > 1) & (best < CAP)]
        found[searched] = np.minimum(np.maximum(shared_low, shared_high), CAP)
        return found


def _words(text: UInt8[ndarray, " byte"]) -> ndarray:
    """Return the eight bytes from each place as one number whose order is that of the bytes; nothing is copied."""
    return np.ndarray(len(text) - 7, ">u8", text, strides=(1,))


def _compare(
    theirs: ndarray, place: ndarray, ours: ndarray, at: ndarray, shared: ndarray
) -> tuple[Int[ndarray, " place"], ndarray]:
    """Return how many bytes are shared from each pair of places (known: `shared`), up to CAP, and whether theirs is greater."""
    shared, above = shared.copy(), np.zeros(len(at), np.bool_)
    going = np.arange(len(at))
    while len(going):
        where = place[going] + shared[going]
        one = theirs[where].astype(np.uint64)
        other = ours[at[going] + shared[going]].astype(np.uint64)
        differ = one ^ other
        same = differ == 0
        ended = going[~same]
        shared[ended] += _leading_bytes(differ[~same])
        above[ended] = one[~same] > other[~same]
        shared[going[same]] += 8
        going = going[same]
        going = going[shared[going] < CAP]
    return np.minimum(shared, CAP), above


def _leading_bytes(number: ndarray) -> Int[ndarray, " number"]:
    """Return how many bytes at the beginning of each number are zero; the numbers are not zero."""
    limits = np.array([1 << (64 - 8 * count) for count in range(7, 0, -1)], np.uint64)
    return 7 - np.searchsorted(limits, number, "right")


def sort_suffixes(text: UInt8[ndarray, " byte"]) -> Int[ndarray, " suffix"]:
    """Return the places of a shard in the order of the text from there, without borders, as int32.

    It takes four bytes of memory per byte of text. Raises ByroteError where pydivsufsort is not installed.
    """
    try:
        from pydivsufsort import divsufsort
    except ImportError:
        raise missing_extra("The index of a corpus needs the package pydivsufsort", "lm") from None
    borders = int(np.count_nonzero(text == BORDER))
    places: ndarray = divsufsort(np.require(text, requirements=["C", "W"]))
    return places[: len(places) - borders]


def pair_starts(text: UInt8[ndarray, " byte"]) -> Int[ndarray, " pair"]:
    """Return how many suffixes are smaller than those that begin with each pair of bytes; borders are not counted."""
    counts = np.zeros((1 << 16) + 1, np.int64)
    for start in range(0, len(text) - 1, 1 << 22):
        part = text[start : start + (1 << 22) + 1]
        pairs = part[:-1].astype(np.int64) << 8 | part[1:]
        counts[1:] += np.bincount(pairs, minlength=1 << 16)
    counts[(BORDER << 8) + 1 :] = 0
    return np.cumsum(counts)
