"""Passages: the windows of a corpus that a model is asked to continue: a prefix it is given, a suffix that it may recite."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus, byte_sizes
from byrote.lm.encoder import Encoder, joined

ENOUGH = 20
"""A corpus in which there may be more than this many times the windows that are asked for is not encoded as a whole."""


@dataclass(frozen=True, eq=False)
class Passages:
    """Windows of token ids `[passage, token]`: the first `prefix` are given to the model, the others are the suffix.

    `document` says of which document of the corpus each is, and `start` at which of its tokens the window begins, so
    `ids` are `DOCUMENT:START`. Windows are cut at token boundaries of the whole document: prefix and suffix that are encoded
    apart often differ from the whole.
    """

    tokens: Int[ndarray, "passage token"]
    prefix: int
    document: Int[ndarray, " passage"]
    start: Int[ndarray, " passage"]
    ids: tuple[str, ...]

    @property
    def suffix(self) -> int:
        """How many tokens of each window follow the prefix."""
        return self.tokens.shape[1] - self.prefix

    def __len__(self) -> int:
        return len(self.tokens)

    @checked
    def rows(self, which: slice | Int[ndarray, " kept"]) -> "Passages":
        """Return some of the passages, in this order."""
        kept = np.arange(len(self))[which]
        ids = tuple(self.ids[i] for i in kept)
        return Passages(self.tokens[kept], self.prefix, self.document[kept], self.start[kept], ids)

    def shorter(self, prefix: int, suffix: int) -> "Passages":
        """Return the same suffixes, cut to their first `suffix` tokens, behind the last `prefix` tokens of their prefixes."""
        if not (0 < prefix <= self.prefix and 0 < suffix <= self.suffix):
            raise InvalidData(
                f"Passages of {self.prefix} + {self.suffix} tokens cannot be cut to {prefix} + {suffix}. Give numbers from 1 to these."
            )
        cut = self.prefix - prefix
        return Passages(self.tokens[:, cut : self.prefix + suffix], prefix, self.document, self.start + cut, self.ids)


def passages(
    corpus: Corpus,
    encoder: Encoder,
    *,
    prefix: int = 50,
    suffix: int = 50,
    limit: int = 2000,
    seed: int = 0,
    only: Sequence[int] | None = None,
) -> Passages:
    """Return at most `limit` windows of `prefix` + `suffix` tokens, spread evenly at random over the tokens of a corpus.

    Windows do not overlap: a document is cut into windows from its beginning, and what is left at its end is in none, so
    documents shorter than a window have none. If there are more than `limit`, they are drawn at random with `seed`, in the
    order of the corpus: every window is as likely as any other. `only` are the documents to look at, by position.

    Of a large corpus only some documents are encoded. A document has no more tokens than bytes, so its bytes say how many windows
    it may have. One of all these places is drawn at a time, its document is encoded, and a place where no window is counts as
    not drawn. No more than twice `limit` windows are in memory. Raises InvalidData where no document is long enough.
    """
    if prefix < 1 or suffix < 1 or limit < 1:
        raise InvalidData(f"prefix={prefix}, suffix={suffix}, limit={limit}: give whole numbers above 0.")
    size = prefix + suffix
    places = np.arange(len(corpus)) if only is None else np.unique(np.asarray(only, np.int64))
    possible = byte_sizes(corpus)[places] // size
    few = int(possible.sum()) <= ENOUGH * limit
    kept = None if few else _drawn(corpus, encoder, places, possible, size, limit, np.random.default_rng([seed, 1]))
    if kept is None:
        kept = _of_all(corpus, encoder, places, size, limit, np.random.default_rng(seed))
    kept.sort(key=lambda window: (window.document, window.start))
    return Passages(
        joined([window.tokens for window in kept]).reshape(-1, size).astype(np.int64),
        prefix,
        np.array([window.document for window in kept], np.int64),
        np.array([window.start for window in kept], np.int64),
        tuple(f"{window.id}:{window.start}" for window in kept),
    )


@dataclass(frozen=True, eq=False)
class _Window:
    document: int
    id: str
    start: int
    tokens: Int[ndarray, " token"]


def _of_all(
    corpus: Corpus, encoder: Encoder, places: ndarray, size: int, limit: int, rng: np.random.Generator
) -> list[_Window]:
    """Encode all documents, give each window a random number, and return those with the smallest."""
    kept, ranks, longest = list[_Window](), np.zeros(0), 0
    for at in places.tolist():
        document = corpus[at]
        tokens = encoder.encode(document.text)
        longest = max(longest, len(tokens))
        found = _windows(at, document.id, tokens, size)
        kept += found
        ranks = np.concatenate([ranks, rng.random(len(found))])
        if len(kept) > 2 * limit:
            kept, ranks = _smallest(kept, ranks, limit)
    if not kept:
        raise InvalidData(
            f"No document of {corpus.name!r} has {size} tokens; the longest has {longest}. Give a shorter prefix and suffix."
        )
    return _smallest(kept, ranks, limit)[0]


def _smallest(windows: list[_Window], ranks: ndarray, limit: int) -> tuple[list[_Window], ndarray]:
    order = np.sort(np.argsort(ranks)[:limit])
    return [windows[i] for i in order], ranks[order]


def _windows(at: int, name: str, tokens: Int[ndarray, " token"], size: int) -> list[_Window]:
    starts = range(0, len(tokens) - size + 1, size)
    return [_Window(at, name, start, tokens[start : start + size].astype(np.int32)) for start in starts]


def _drawn(
    corpus: Corpus,
    encoder: Encoder,
    places: ndarray,
    possible: ndarray,
    size: int,
    limit: int,
    rng: np.random.Generator,
) -> list[_Window] | None:
    """Draw places for windows among all that there may be, without repetition, until `limit` hold a window.

    Return None where so few do that it is as well to encode everything, or where a document has more tokens than bytes.
    """
    ends = np.cumsum(possible)
    kept, drawn, encoded = list[_Window](), np.zeros(0, np.int64), 0
    while len(kept) < limit:
        if encoded >= len(places) or len(drawn) > ends[-1] // 4:
            return None
        slots = np.unique(rng.integers(0, ends[-1], 2 * limit))
        slots = rng.permutation(slots[~np.isin(slots, drawn)])
        drawn = np.concatenate([drawn, slots])
        which = np.searchsorted(ends, slots, "right")
        found: dict[int, _Window] = {}
        for document in np.unique(which).tolist():  # in the order of the corpus: files are read forwards
            at = int(places[document])
            read = corpus[at]
            tokens = encoder.encode(read.text)
            encoded += 1
            if len(tokens) // size > possible[document]:
                return None
            for turn in np.flatnonzero(which == document).tolist():
                start = int(slots[turn] - (ends[document] - possible[document])) * size
                if start + size <= len(tokens):
                    found[turn] = _Window(at, read.id, start, tokens[start : start + size].astype(np.int32))
        kept += [found[turn] for turn in sorted(found)]
    return kept[:limit]
