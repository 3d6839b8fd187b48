"""Near-duplicates: documents that share most of their shingles, by MinHash (Broder, 1997) and LSH, checked exactly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.errors import InvalidData, missing_extra
from byrote.lm.corpus import Corpus
from byrote.lm.index import Stage, no_progress
from byrote.stats.estimate import Estimate

PERMUTATIONS = 128
"""Numbers in a signature: 512 bytes of memory per document."""

SURE = 0.98
"""Bands are chosen such that a pair just as near as asked for is found with this probability, if hashes were random."""

EVERY_PAIR = 32
"""Of more documents than this with the same band, each is compared with this many others, and not with all."""

BATCH = 500
"""Documents whose shingles are computed at once."""

KEPT_SETS = 20_000
"""Sets of shingles that are kept in memory while pairs are compared."""


@dataclass(frozen=True)
class Shingles:
    """What of a text is compared: the set of its runs of `size` words, or characters.

    Words are runs of letters and digits, without regard to case; in characters, white space counts as one space. A shorter
    text has one shingle: all of it.
    """

    kind: Literal["words", "characters"] = "words"
    size: int = 5

    def __post_init__(self) -> None:
        if self.kind not in ("words", "characters") or self.size < 1:
            raise InvalidData(f"{self} is not known. Give 'words' or 'characters', and how many, such as 5 or 20.")

    def of(self, text: str) -> ndarray:
        """Return the hashes of the shingles of a text, sorted, each once, as uint64; none of a text without words."""
        return self.of_many([text])[0]

    def of_many(self, texts: Sequence[str]) -> tuple[ndarray, ndarray]:
        """Return the same of several texts, one after the other, and where each begins, with the end of the last."""
        parts = [self._units(text) for text in texts]
        units, counts = (
            np.concatenate([np.zeros(0, np.uint64), *parts]),
            np.array([len(part) for part in parts], np.int64),
        )
        begin = np.cumsum([0, *counts])
        text = np.repeat(np.arange(len(texts)), counts)
        left = np.repeat(begin[1:], counts) - np.arange(len(units))  # units from here to the end of the text
        starts, values = [np.flatnonzero(left >= self.size)], list[ndarray]()
        starts += [
            begin[:-1][counts == size] for size in range(1, self.size)
        ]  # texts with fewer units than a shingle has
        for at, size in zip(starts, (self.size, *range(1, self.size)), strict=True):
            value = np.full(len(at), size, np.uint64)
            for step in range(size if len(at) else 0):
                value = _mixed(value ^ units[at + step])
            values.append(value)
        value, owner = np.concatenate(values), text[np.concatenate(starts)]
        order = np.lexsort((value, owner))
        value, owner = value[order], owner[order]
        new = np.ones(len(value), np.bool_)
        new[1:] = (value[1:] != value[:-1]) | (owner[1:] != owner[:-1])
        return value[new], np.searchsorted(owner[new], np.arange(len(texts) + 1))

    def _units(self, text: str) -> ndarray:
        if self.kind == "words":
            return np.array([_hash(word) for word in re.findall(r"\w+", text.casefold())], np.uint64)
        joined = " ".join(text.split())
        return np.frombuffer(joined.encode("utf-32-le", errors="surrogatepass"), "<u4").astype(np.uint64)


@lru_cache(1 << 18)
def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def _mixed(value: ndarray) -> ndarray:
    """Return a one-to-one scrambling of 64-bit numbers (the finalizer of splitmix64), so that order counts."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def jaccard(one: ndarray, other: ndarray) -> float:
    """Return the share of shingles that two sorted sets have in common, of all that either has; 0 where both are empty."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / max(1, len(one) + len(other) - shared)


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Which documents of a corpus are near-duplicates of each other.

    `pairs` are those that were found and whose exact Jaccard similarity, `similarity`, is at least `at_least`. `group` is for
    each document the position of the first document of its group, where pairs are chained: two of a group may be less alike
    than `at_least`. `copies` is how many documents are in its group, 1 for one without near-duplicates. `recall` is which share
    of all pairs of different texts that are as near was found (a copy of one counts once): an estimate from documents drawn at
    random, each compared exactly with all others.
    """

    at_least: float
    shingles: Shingles
    pairs: Int[ndarray, "pair end"]
    similarity: Float[ndarray, " pair"]
    group: Int[ndarray, " document"]
    recall: Estimate

    @property
    def copies(self) -> Int[ndarray, " document"]:
        """How many documents are in the group of each, with itself."""
        return np.bincount(self.group, minlength=len(self.group))[self.group]

    def sentence(self) -> str:
        """Return what was found, and how much of what there is."""
        groups = len(np.unique(self.group[self.copies > 1]))
        found = f"{len(self.pairs):,} pairs of documents share {self.at_least:g} or more of their shingles, in {groups:,} groups. "
        if np.isnan(self.recall.value):
            return (
                f"{found}None of the documents drawn as a check has such a pair, so which share was found is not known."
            )
        return f"{found}Of all such pairs of different texts, {self.recall} were found (share with its {100 * self.recall.level:g} % interval, from {self.recall.n:,} groups)."


def near_duplicates(
    corpus: Corpus,
    *,
    at_least: float = 0.8,
    shingles: Shingles | None = None,
    seed: int = 0,
    check: int = 5000,
    level: float = 0.9,
    progress: Stage = no_progress,
) -> NearDuplicates:
    """Return the pairs of documents that share at least this part of their shingles, and the groups that they form.

    Documents with the same shingles are found exactly. Among the others MinHash signatures that agree in a band propose
    pairs, and each is compared exactly, so no pair is wrong; some are missed. Which share was found is measured: `check`
    documents drawn with `seed` are compared exactly with all others (0: not at all), and the share is an Estimate over
    their groups. It is NaN where none of them has a near-duplicate.

    The corpus is read once for signatures, once for the check, and for documents of proposed pairs again. 512 bytes per document
    are in memory. Equal for equal arguments. Raises InvalidData for an `at_least` that is not above 0 and at most 1, and
    ByroteError where rensa is not installed.
    """
    if not 0 < at_least <= 1:
        raise InvalidData(f"at_least={at_least}: give a share of shingles above 0 and at most 1, such as .8.")
    shingles = shingles or Shingles()
    signatures, same = _signatures(corpus, shingles, seed, progress)
    proposed = _proposed(signatures, at_least)
    known = lru_cache(KEPT_SETS)(lambda at: shingles.of(corpus[at].text))
    similarity = np.empty(len(proposed))
    for i, (one, other) in enumerate(proposed.tolist()):
        if i % 1000 == 0:
            progress("comparing", i, len(proposed))
        similarity[i] = jaccard(known(one), known(other))
    near = similarity >= at_least
    twins = np.stack([same[same != np.arange(len(same))], np.flatnonzero(same != np.arange(len(same)))], axis=1)
    pairs = np.concatenate([twins, proposed[near]])
    values = np.concatenate([np.ones(len(twins)), similarity[near]])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    group = _groups(len(corpus), pairs)
    recall = _recall(corpus, shingles, at_least, proposed[near], same, check, seed, level, progress)
    return NearDuplicates(at_least, shingles, pairs[order], values[order], group, recall)


def _signatures(corpus: Corpus, shingles: Shingles, seed: int, progress: Stage) -> tuple[ndarray, ndarray]:
    """Return the signature of each document, and for each the first document with the same shingles.

    The signature of a document that is not the first with its shingles, or that has none, is not used.
    """
    try:
        from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]
    except ImportError:
        raise missing_extra("Near-duplicates need the package rensa", "lm") from None
    count = len(corpus)
    signatures, same = np.zeros((count, PERMUTATIONS), np.uint32), np.arange(count)
    first: dict[bytes, int] = {}
    for start in range(0, count, BATCH):
        progress("reading", start, count)
        values, begin = shingles.of_many([corpus[at].text for at in range(start, min(start + BATCH, count))])
        matrix: Any = RMinHash.digest_matrix_from_flat_token_hashes(values, begin.astype(np.uint64), PERMUTATIONS, seed)
        rows = np.array(matrix.to_rows(), np.uint32).reshape(-1, PERMUTATIONS)
        for at, (low, high) in enumerate(pairwise(begin.tolist())):
            if low < high:
                same[start + at] = first.setdefault(
                    blake2b(values[low:high].tobytes(), digest_size=16).digest(), start + at
                )
                if same[start + at] == start + at:
                    signatures[start + at] = rows[at]
    return signatures, same


def _bands(at_least: float) -> tuple[int, int]:
    """Return how many bands of how many numbers find a pair of this similarity with probability SURE or more."""
    for rows in range(PERMUTATIONS, 1, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - at_least**rows) ** bands >= SURE:
            return bands, rows
    return PERMUTATIONS, 1


def _proposed(signatures: ndarray, at_least: float) -> Int[ndarray, "pair end"]:
    """Return the pairs of documents whose signatures agree in a band. Documents without a signature are in none."""
    used = np.flatnonzero(signatures.any(axis=1))
    bands, rows = _bands(at_least)
    found: list[ndarray] = [np.zeros((0, 2), np.int64)]
    for band in range(bands):
        value = np.full(len(used), band, np.uint64)
        for at in range(band * rows, (band + 1) * rows):
            value = _mixed(value ^ signatures[used, at].astype(np.uint64))
        order = np.argsort(value, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], value[order][1:] != value[order][:-1]]))
        sizes = np.diff(np.concatenate([starts, [len(order)]]))
        for step in range(1, min(int(sizes.max(initial=1)), EVERY_PAIR + 1)):
            # The documents of a bucket are next to each other: pairs at a distance of `step` within it.
            ends = np.repeat(starts + sizes, sizes)
            at = np.flatnonzero(np.arange(len(order)) + step < ends)
            found.append(np.stack([used[order[at]], used[order[at + step]]], axis=1))
        found = [np.unique(np.concatenate(found), axis=0)]
    return found[0]


def _groups(count: int, pairs: Int[ndarray, "pair end"]) -> Int[ndarray, " document"]:
    """Return for each document the first one that pairs lead to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    first = np.full(count, count)
    np.minimum.at(first, label, np.arange(count))
    return first[label]


def _recall(
    corpus: Corpus, shingles: Shingles, at_least: float, found: ndarray, same: ndarray, check: int, seed: int, level: float,
    progress: Stage,
) -> Estimate:  # fmt: skip
    """Return which share of the near pairs of documents drawn at random was found. Documents with the same shingles are one.

    The interval is Wilson's with one trial per group of near documents, since pairs of a group are found or missed together.
    """
    firsts = np.flatnonzero(same == np.arange(len(same)))
    rng = np.random.default_rng([seed, 1])
    drawn = np.sort(rng.choice(firsts, min(check, len(firsts)), replace=False))
    if not len(drawn):
        return Estimate.undefined("group", level=level)
    true = exact_pairs(corpus, drawn, shingles, at_least, among=firsts, progress=progress)
    if not len(true):
        return Estimate.undefined("group", level=level)
    kept = {(int(one), int(other)) for one, other in found}
    hits = np.array([(int(one), int(other)) in kept for one, other in true])
    groups = len(np.unique(_groups(len(corpus), true)[true[:, 0]]))
    share = float(hits.mean())
    estimate = Estimate.of_share(share * groups, groups, "group", level=level)
    return Estimate(share, estimate.low, estimate.high, groups, "group", level)


def exact_pairs(
    corpus: Corpus,
    queries: Sequence[int] | ndarray,
    shingles: Shingles,
    at_least: float,
    *,
    among: Sequence[int] | ndarray | None = None,
    progress: Stage = no_progress,
) -> Int[ndarray, "pair end"]:
    """Return all pairs of a query and another document (of `among`) with at least this Jaccard similarity, by counting.

    The corpus is read once; for each document the shingles that it shares with each query are counted. Exact but for equal
    hashes of 64 bits.
    """
    wanted = np.asarray(queries, np.int64)
    every, begin = shingles.of_many([corpus[at].text for at in wanted.tolist()])
    sizes = np.diff(begin)
    owner = np.repeat(np.arange(len(wanted)), sizes)
    order = np.argsort(every, kind="stable")
    every, owner = every[order], owner[order]
    others = np.arange(len(corpus)) if among is None else np.asarray(among, np.int64)
    found = [np.zeros((0, 2), np.int64)]
    for done in range(0, len(others), BATCH):
        progress("checking", done, len(others))
        at = others[done : done + BATCH]
        theirs, edges = shingles.of_many([corpus[each].text for each in at.tolist()])
        low, high = np.searchsorted(every, theirs, "left"), np.searchsorted(every, theirs, "right")
        counts = high - low
        # Each shingle once for each query that has it, as the number of a pair: how often that comes is what the pair shares.
        where = np.arange(counts.sum()) + np.repeat(low - (np.cumsum(counts) - counts), counts)
        document = np.repeat(np.repeat(np.arange(len(at)), np.diff(edges)), counts)
        pair, shared = np.unique(document * len(wanted) + owner[where], return_counts=True)
        one, other = pair // max(1, len(wanted)), pair % max(1, len(wanted))
        union = np.diff(edges)[one] + sizes[other] - shared
        near = (shared >= at_least * union) & (at[one] != wanted[other])
        found.append(np.sort(np.stack([at[one[near]], wanted[other[near]]], axis=1), axis=1))
    return np.unique(np.concatenate(found), axis=0)
