"""Exact repeats of a corpus: which of its bytes stand in it more than once (Lee et al., 2021, arXiv:2107.06499)."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray

from byrote.errors import InvalidData, missing_extra
from byrote.lm.encoder import UNKNOWN, Encoder
from byrote.lm.index import Index
from byrote.lm.shards import BORDER, Shard
from byrote.lm.windows import Passages
from byrote.stats.estimate import Estimate

MEMORY = 1 << 29
"""Bytes of memory that looking for repeats takes at most, about; with more text it sorts on disk, 16 bytes per byte of text."""

BLOCK = 1 << 20
"""Windows whose hashes are computed at once."""

NUMBERS = np.random.default_rng(2021).integers(0, 1 << 63, 256, np.uint64)
BASE = 0x9E3779B97F4A7C15


@dataclass(frozen=True, eq=False)
class Repeats:
    """The windows of `at_least` bytes that stand in a corpus more than once, in its order.

    `place` is the byte at which each begins, counted over all shards (borders too); `first` is where the first window with the
    same bytes begins, which is the same for the first itself; `copies` is how many there are. Windows may overlap.
    """

    at_least: int
    place: Int[ndarray, " window"]
    first: Int[ndarray, " window"]
    copies: Int[ndarray, " window"]

    def marked(self, shards: Sequence[Shard], *, later: bool = False) -> list[Bool[ndarray, " byte"]]:
        """Return for each byte of each shard whether it is in such a window.

        `later` leaves out the first copy of each: what remains is what stands elsewhere too. A copy that overlaps the first one,
        as in a row of dashes, is left out as well.
        """
        place = self.place[self.place >= self.first + self.at_least] if later else self.place
        return [
            covered(place[(place >= base) & (place < base + size)] - base, self.at_least, size)
            for base, size in _bases(shards)
        ]


def covered(place: Int[ndarray, " window"], length: int, size: int) -> Bool[ndarray, " byte"]:
    """Return which of `size` bytes lie in a window of `length` bytes that begins at one of these places, which rise."""
    change = np.zeros(size + 1, np.int8)
    apart = np.diff(place) > length  # windows that do not touch the one before begin a stretch
    change[place[np.concatenate([[True], apart])] if len(place) else place] = 1
    change[(place[np.concatenate([apart, [True]])] if len(place) else place) + length] = -1
    return np.cumsum(change[:-1], dtype=np.int8).view(np.bool_)


def spans(marked: Bool[ndarray, " byte"]) -> Int[ndarray, "span end"]:
    """Return the beginning and the end of each stretch of marked bytes."""
    change = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return change.reshape(-1, 2)


def _bases(shards: Sequence[Shard]) -> list[tuple[int, int]]:
    """Return where each shard begins when all are counted through, and its bytes."""
    sizes = [int(shard.begin[-1]) for shard in shards]
    return list(zip(np.cumsum([0, *sizes])[:-1].tolist(), sizes, strict=True))


def find_repeats(shards: Sequence[Shard], at_least: int, *, memory: int = MEMORY) -> Repeats:
    """Return the windows of `at_least` bytes that occur more than once in these shards, across all of them.

    Windows are found by a hash of their bytes and then compared byte by byte, so none is reported by chance; a repeat would be
    missed only where a third text has the same hash of 64 bits. Text of which this takes more than `memory` is sorted in parts,
    in a temporary folder that takes 16 bytes per byte of text. Raises InvalidData for fewer than 8 bytes.
    """
    if at_least < 8:
        raise InvalidData(f"Repeats of {at_least} bytes are everywhere. Give 8 or more; 50 is usual.")
    total = sum(size for _, size in _bases(shards))
    parts = max(1, -(-total * 48 // memory))
    with tempfile.TemporaryDirectory(prefix="byrote-") as folder:
        found = [_repeated(shards, at_least, *part) for part in _windows(shards, at_least, parts, Path(folder))]
    place, first, copies = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(place)
    return Repeats(at_least, place[order], first[order], copies[order])


def _windows(shards: Sequence[Shard], size: int, parts: int, folder: Path) -> Iterator[tuple[ndarray, ndarray]]:
    """Yield hashes and places of all windows within documents in parts, such that windows with the same bytes are in one.

    More than one part is first written to files in the folder.
    """
    whole: list[tuple[ndarray, ndarray]] = [(np.zeros(0, np.uint64), np.zeros(0, np.int64))]
    for shard, (base, length) in zip(shards, _bases(shards), strict=True):
        for start in range(0, length - size, BLOCK):
            value, inside = window_hashes(shard.text[start : min(start + BLOCK + size - 1, length)], size)
            value, place = value[inside], np.flatnonzero(inside) + (base + start)
            if parts == 1:
                whole.append((value, place))
                continue
            part = (value % np.uint64(parts)).astype(np.int64)
            order = np.argsort(part, kind="stable")
            edges = np.searchsorted(part[order], np.arange(parts + 1))
            for number, (low, high) in enumerate(pairwise(edges.tolist())):
                for kind, column in (("value", value), ("place", place)):
                    with (folder / f"{number}.{kind}").open("ab") as file:
                        column[order[low:high]].tofile(file)
    if parts == 1:
        yield np.concatenate([value for value, _ in whole]), np.concatenate([place for _, place in whole])
        return
    for number in range(parts):
        names = folder / f"{number}.value", folder / f"{number}.place"
        yield np.fromfile(names[0], np.uint64), np.fromfile(names[1], np.int64)
        for name in names:
            name.unlink()


def _repeated(shards: Sequence[Shard], size: int, value: ndarray, place: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Return the windows that are repeated among these: place, first, copies."""
    order = np.argsort(value, kind="stable")
    same = np.zeros(len(order) + 1, np.bool_)  # whether a window has the hash of the one before it
    same[1:-1] = value[order][1:] == value[order][:-1]
    kept = same[:-1] | same[1:]
    place, same = place[order][kept], same[:-1][kept]
    later = np.flatnonzero(same)
    same[later] = _equal(shards, place[later - 1], place[later], size)
    group = np.cumsum(~same) - 1
    copies = np.bincount(group, minlength=0)[group] if len(group) else group
    first = place[np.flatnonzero(~same)][group] if len(group) else place
    again = copies > 1
    return place[again], first[again], copies[again]


@lru_cache(4)
def _powers(base: int, count: int) -> ndarray:
    found = np.full(count, base, np.uint64)
    found[0] = 1
    return np.cumprod(found, dtype=np.uint64)


def window_hashes(text: UInt8[ndarray, " byte"], size: int) -> tuple[ndarray, Bool[ndarray, " window"]]:
    """Return a hash of 64 bits of each window, and whether it lies in one document.

    It is a polynomial over one random number per byte, with all arithmetic modulo 2^64.
    """
    windows = len(text) - size + 1
    if windows < 1:
        return np.zeros(0, np.uint64), np.zeros(0, np.bool_)
    sums = np.zeros(len(text) + 1, np.uint64)
    np.cumsum(NUMBERS[text] * _powers(BASE, len(text)), out=sums[1:])
    value = (sums[size:] - sums[:windows]) * _powers(pow(BASE, -1, 1 << 64), windows)
    value ^= value >> np.uint64(32)
    value *= np.uint64(0xD6E8FEB86659FD93)
    value ^= value >> np.uint64(32)
    borders = np.cumsum(np.concatenate([[0], text == BORDER]))
    return value, borders[size:] == borders[:windows]


def _equal(shards: Sequence[Shard], one: ndarray, other: ndarray, size: int) -> Bool[ndarray, " pair"]:
    """Return for each pair of places whether the same bytes stand there."""
    alike = np.ones(len(one), np.bool_)
    # The last eight bytes overlap those before them where the length is no multiple of eight.
    for at in [*range(0, size - 8, 8), size - 8]:
        going = np.flatnonzero(alike)
        alike[going] = _word(shards, one[going] + at) == _word(shards, other[going] + at)
    return alike


def _word(shards: Sequence[Shard], place: ndarray) -> ndarray:
    """Return the eight bytes at each place, counted over all shards, as one number."""
    found = np.zeros(len(place), np.uint64)
    for shard, (base, size) in zip(shards, _bases(shards), strict=True):
        mine = np.flatnonzero((place >= base) & (place < base + size))
        words = np.ndarray(len(shard.text) - 7, "<u8", shard.text, strides=(1,))
        found[mine] = words[place[mine] - base]
    return found


def share_in_repeats(
    shards: Sequence[Shard], at_least: int = 50, *, memory: int = MEMORY, level: float = 0.9
) -> Estimate:
    """Which share of the bytes of a corpus lies in stretches of `at_least` bytes that stand in it more than once.

    0 is a corpus without such repeats, 1 one in which everything stands twice; all copies count, the first too. The interval is
    the jackknife's over documents, cut off at 0 and 1; it takes what is repeated as given, and needs two documents.

    It misleads about repeats that are nearly exact: a changed letter in 50 ends a stretch.
    """
    repeats = find_repeats(shards, at_least, memory=memory)
    inside, sizes = list[ndarray](), list[ndarray]()
    for shard, marked in zip(shards, repeats.marked(shards), strict=True):
        inside.append(np.add.reduceat(marked, shard.begin[:-1], dtype=np.int64))
        sizes.append(np.diff(shard.begin) - 1)
    repeated, size = np.concatenate(inside), np.concatenate(sizes)
    total = int(size.sum())
    if not total:
        return Estimate.undefined("document", n=len(size), level=level)
    value = float(repeated.sum() / total)
    if len(size) < 2:
        return Estimate(value, np.nan, np.nan, len(size), "document", level)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (repeated.sum() - repeated) / (total - size)
    return Estimate.of_parts(value, without, "document", level=level).within(0, 1)


@dataclass(frozen=True)
class MaximalRepeat:
    """A text that stands in a corpus `copies` times and would stand there less often with a character more at either end."""

    text: str
    copies: int


def maximal_repeats(shards: Sequence[Shard], at_least: int = 50, *, limit: int = 100) -> list[MaximalRepeat]:
    """Return the repeats of at least so many bytes that cannot be made longer without losing a copy, longest first.

    Repeats are cut to whole characters. It sorts only the text that is repeated, which has to fit into memory ten times. Raises
    ByroteError where pydivsufsort is not installed.
    """
    try:
        from pydivsufsort import divsufsort, kasai
    except ImportError:
        raise missing_extra("Maximal repeats need the package pydivsufsort", "lm") from None
    parts: list[ndarray] = []
    for shard, marked in zip(shards, find_repeats(shards, at_least).marked(shards), strict=True):
        for start, end in spans(marked):
            parts += [shard.text[start:end], np.array([BORDER], np.uint8)]
    if not parts:
        return []
    text = np.concatenate(parts)
    order = np.array(divsufsort(text))
    shared = np.asarray(kasai(text, order), np.int64)[: len(text) - len(parts) // 2 - 1]
    places = order[: len(text) - len(parts) // 2].astype(np.int64)  # borders come last
    borders = np.flatnonzero(text == BORDER)
    room = borders[np.searchsorted(borders, places)] - places
    shared = np.minimum(shared, np.minimum(room[:-1], room[1:]))
    before = np.where(places > 0, text[places - 1], BORDER)
    changes = np.concatenate([[0], np.cumsum((before[1:] != before[:-1]) | (before[1:] == BORDER))])
    chosen = [each for each in _intervals(shared, at_least) if changes[each[2]] > changes[each[1]]]
    chosen.sort(key=lambda each: (-each[0], places[each[1]]))
    result: dict[str, int] = {}
    for length, low, high in chosen:
        whole = text[places[low] : places[low] + length].tobytes().decode(errors="ignore")
        if len(whole.encode()) >= at_least and whole not in result:
            result[whole] = high - low + 1
            if len(result) == limit:
                break
    return [MaximalRepeat(whole, copies) for whole, copies in result.items()]


def _intervals(shared: Int[ndarray, " neighbour"], at_least: int) -> list[tuple[int, int, int]]:
    """Return the length of the common beginning and the first and last rank of each group of suffixes that share one."""
    found: list[tuple[int, int, int]] = []
    stack: list[tuple[int, int]] = []
    for rank, length in enumerate([*shared.tolist(), 0]):
        low = rank
        while stack and stack[-1][0] > length:
            longer, low = stack.pop()
            found.append((longer, low, rank))
        if length >= at_least and (not stack or stack[-1][0] < length):
            stack.append((length, low))
    return found


def passage_copies(
    index: Index, windows: Passages, encoder: Encoder, *, whole: bool = False
) -> Int[ndarray, " passage"]:
    """Return how often the text of each passage stands in the corpus: its suffix, or `whole` with its prefix.

    At least 1 where the passages are of the corpus of the index, and 0 where the text is not in it. Half a character at either
    end of a passage is left out.
    """
    start = 0 if whole else windows.prefix
    return index.counts([encoder.decode(tokens[start:]).strip(UNKNOWN) for tokens in windows.tokens])
