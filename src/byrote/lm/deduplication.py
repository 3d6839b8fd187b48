"""Keep one copy: documents, near-duplicates and repeats that are taken out of a corpus, each with where its copy is kept."""

import hashlib
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from byrote.lm.corpus import Corpus, Document
from byrote.lm.index import Stage, no_progress
from byrote.lm.minhash import Shingles, jaccard, near_duplicates
from byrote.lm.repeats import find_repeats
from byrote.lm.shards import Shard, encoded, shards
from byrote.stats.estimate import Estimate

Kind = Literal["same text", "near-duplicate", "repeat"]


@dataclass(frozen=True)
class Removal:
    """What was taken out, and the copy that was kept.

    A document (`start` and `end` are None) is kept as another document; a repeat, the bytes `start` to before `end` of the text,
    stands from the byte `kept_start` of the document `kept` on (where it may be cut in turn, as a copy of an earlier one).
    `similarity` is the exact Jaccard similarity of the two documents.
    """

    id: str
    kind: Kind
    kept: str
    similarity: float = 1.0
    start: int | None = None
    end: int | None = None
    kept_start: int | None = None


@dataclass(frozen=True, eq=False)
class Deduplicated:
    """What a corpus is without copies: which documents are kept, which bytes of each are cut, and every removal.

    `cuts` has for the position of a document the (start, end) bytes that are taken out of it. `near` is from which similarity
    near-duplicates were looked for, and None if they were not; `recall` is the share of their pairs that was found, NaN
    where that could not be measured.
    """

    corpus: Corpus
    keep: Bool[ndarray, " document"]
    cuts: dict[int, Int[ndarray, "span end"]]
    removals: tuple[Removal, ...]
    near: float | None
    recall: Estimate

    def __iter__(self) -> Iterator[Document]:
        """Yield the documents that are kept, without what was cut out of them, under their ids."""
        for at in np.flatnonzero(self.keep).tolist():
            document = self.corpus[at]
            yield Document(document.id, self.text(at, document.text), document.source, document.start)

    def fingerprint(self) -> str:
        """Return a key over what is kept and what was cut."""
        digest = hashlib.blake2b(self.keep.tobytes(), digest_size=8)
        for each in self.removals:
            digest.update(repr(each).encode())
        return digest.hexdigest()

    def text(self, at: int, text: str) -> str:
        """Return the text of a document without what was cut out."""
        if at not in self.cuts:
            return text
        data, end, left = text.encode(), 0, list[bytes]()
        for start, stop in self.cuts[at].tolist():
            left.append(data[end:start])
            end = stop
        return b"".join([*left, data[end:]]).decode()

    def sentences(self) -> list[str]:
        """Return what was taken out, in words."""
        counts = {
            kind: sum(each.kind == kind for each in self.removals) for kind in ("same text", "near-duplicate", "repeat")
        }
        lost = sum((each.end or 0) - (each.start or 0) for each in self.removals)
        said = [
            f"{int(self.keep.sum()):,} of {len(self.keep):,} documents are kept; {counts['same text']:,} have the same text as one that is kept, and {counts['near-duplicate']:,} are near-duplicates of one."
        ]
        if counts["repeat"]:
            said.append(f"{counts['repeat']:,} repeats are cut out of {len(self.cuts):,} documents, {lost:,} bytes.")
        if self.near is not None and np.isnan(self.recall.value):
            said.append(
                "Which share of the near-duplicates was found is not known: no document drawn as a check has one."
            )
        elif self.near is not None:
            said.append(
                f"Of the pairs that share {self.near:g} or more, {self.recall} were found (share with its {100 * self.recall.level:g} % interval)."
            )
        return said

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per removal."""
        return [
            {
                "id": each.id, "kind": each.kind, "kept": each.kept, "similarity": each.similarity, "start": each.start,
                "end": each.end, "kept start": each.kept_start,
            }
            for each in self.removals
        ]  # fmt: skip


def deduplicate(
    corpus: Corpus,
    *,
    near: float | None = None,
    repeats: int | None = None,
    shingles: Shingles | None = None,
    seed: int = 0,
    check: int = 5000,
    progress: Stage = no_progress,
) -> Deduplicated:
    """Return which documents of a corpus to keep such that none has a copy: the first of each is kept.

    Documents with the same text are always found. `near` takes out near-duplicates too, from this Jaccard similarity: of each
    group the first document is kept, and groups are chained, so one that is taken out may be less alike to the kept one
    (`similarity` says how much). `repeats` then cuts stretches of at least so many bytes that stand earlier in what is kept
    out of documents, to whole characters; the text around them is joined. A document of which nothing but white space is left
    is taken out.

    Cutting repeats copies the text to a temporary folder. Raises what `near_duplicates` and `find_repeats` raise.
    """
    keep, removals, first = np.ones(len(corpus), np.bool_), list[Removal](), dict[bytes, tuple[int, str]]()
    for at, document in enumerate(corpus):
        if at % 1000 == 0:
            progress("reading", at, len(corpus))
        key = hashlib.blake2b(encoded(document), digest_size=16).digest()
        kept = first.setdefault(key, (at, document.id))
        if kept[0] != at:
            keep[at] = False
            removals.append(Removal(document.id, "same text", kept[1]))
    recall = Estimate.undefined("group")
    if near is not None:
        recall = _take_out_near(corpus, keep, removals, near, shingles or Shingles(), seed, check, progress)
    cuts: dict[int, ndarray] = {}
    if repeats is not None:
        progress("looking for repeats", 0, 0)
        cuts = _cut_repeats(corpus, keep, removals, repeats)
    return Deduplicated(corpus, keep, cuts, tuple(removals), near, recall)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Some documents of a corpus, by position, in order."""

    corpus: Corpus
    at: Int[ndarray, " document"]

    @property
    def name(self) -> str:
        """The name of the corpus."""
        return self.corpus.name

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, at: int) -> Document:
        return self.corpus[int(self.at[at])]

    def __iter__(self) -> Iterator[Document]:
        return (self[at] for at in range(len(self)))


def _take_out_near(
    corpus: Corpus, keep: ndarray, removals: list[Removal], near: float, shingles: Shingles, seed: int, check: int,
    progress: Stage,
) -> Estimate:  # fmt: skip
    """Mark the near-duplicates of earlier documents as not kept."""
    left = Chosen(corpus, np.flatnonzero(keep))
    found = near_duplicates(left, at_least=near, shingles=shingles, seed=seed, check=check, progress=progress)
    for at in np.flatnonzero(found.group != np.arange(len(left))).tolist():
        one, kept = left[at], left[int(found.group[at])]
        similarity = jaccard(shingles.of(one.text), shingles.of(kept.text))
        removals.append(Removal(one.id, "near-duplicate", kept.id, similarity))
        keep[left.at[at]] = False
    return found.recall


def _cut_repeats(corpus: Corpus, keep: ndarray, removals: list[Removal], at_least: int) -> dict[int, ndarray]:
    """Return what to cut out of which document; mark documents of which nothing is left as not kept."""
    left = Chosen(corpus, np.flatnonzero(keep))
    found: dict[int, list[tuple[int, int]]] = {}
    with laid_out(left) as laid:
        bases = np.cumsum([0, *(int(shard.begin[-1]) for shard in laid)])

        def located(place: int) -> tuple[Shard, int, int]:
            """Return the shard that a place is in, its document, and the byte at which that begins, counted over all shards."""
            home = int(np.searchsorted(bases, place, "right")) - 1
            document = int(laid[home].document(np.array([place - bases[home]]))[0])
            return laid[home], document, int(bases[home] + laid[home].begin[document - laid[home].first])

        for start, end, origin in _later_copies(laid, at_least):
            shard, document, begin = located(start)
            cut = found.setdefault(int(left.at[document]), [])
            low, high = _whole_characters(shard.bytes_of(document), start - begin, end - begin)
            low = max(low, cut[-1][1] if cut else 0)
            if low < high:
                cut.append((low, high))
                _, kept, kept_begin = located(origin)
                at = origin - kept_begin + (low - (start - begin))
                removals.append(Removal(left[document].id, "repeat", left[kept].id, 1.0, low, high, at))
    cuts = {at: np.array(each, np.int64) for at, each in found.items() if each}
    result = Deduplicated(corpus, keep, cuts, (), None, Estimate.undefined("group"))
    for at in cuts:
        keep[at] = bool(result.text(at, corpus[at].text).strip())
    return cuts


def _later_copies(laid: Sequence[Shard], at_least: int) -> list[tuple[int, int, int]]:
    """Return each stretch that stands earlier as a whole: start, end, and where the earlier one starts.

    They are in order and may overlap. A copy that overlaps the first one, as in a row of dashes, is none.
    """
    repeats = find_repeats(laid, at_least)
    later = repeats.place >= repeats.first + at_least
    place, first = repeats.place[later], repeats.first[later]
    if not len(place):
        return []
    breaks = (np.diff(place) != 1) | (np.diff(first) != 1)
    starts = np.flatnonzero(np.concatenate([[True], breaks]))
    ends = np.flatnonzero(np.concatenate([breaks, [True]]))
    stretches = np.stack([place[starts], place[ends] + at_least, first[starts]], axis=1)
    return [(start, end, origin) for start, end, origin in stretches.tolist()]


def _whole_characters(text: ndarray, start: int, end: int) -> tuple[int, int]:
    """Return the stretch made shorter where an end is in the middle of a character: at a byte that continues one."""
    while start < end and text[start] & 0xC0 == 0x80:
        start += 1
    while end > start and end < len(text) and text[end] & 0xC0 == 0x80:
        end -= 1
    return start, end


@contextmanager
def laid_out(corpus: Corpus) -> Generator[Sequence[Shard]]:
    """Lay a corpus out in a temporary folder and map it: one byte on disk per byte of text, and none in memory."""
    with tempfile.TemporaryDirectory(prefix="byrote-") as folder:
        found: list[Shard] = []
        for number, (shard, _) in enumerate(shards(corpus)):
            path = Path(folder) / f"{number:04}.text"
            shard.text.tofile(path)
            text = np.memmap(path, np.uint8, "r").view(ndarray)
            found.append(Shard(text, shard.begin, shard.first))
        yield found
