"""Passages: the windows of a corpus that a model is asked to continue: a prefix it is given, a suffix that it may recite."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus
from byrote.lm.encoder import Encoder, joined


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
    order of the corpus. `only` are the documents to look at, by position. Raises InvalidData where no document is long enough.
    """
    if prefix < 1 or suffix < 1 or limit < 1:
        raise InvalidData(f"prefix={prefix}, suffix={suffix}, limit={limit}: give whole numbers above 0.")
    size, cut, where, starts, ids = prefix + suffix, list[ndarray](), list[int](), list[int](), list[str]()
    places = range(len(corpus)) if only is None else only
    longest = 0
    for at in places:
        document = corpus[at]
        tokens = encoder.encode(document.text)
        longest = max(longest, len(tokens))
        for start in range(0, len(tokens) - size + 1, size):
            cut.append(tokens[start : start + size].astype(np.int32))
            where.append(at)
            starts.append(start)
            ids.append(f"{document.id}:{start}")
    if not cut:
        raise InvalidData(
            f"No document of {corpus.name!r} has {size} tokens; the longest has {longest}. Give a shorter prefix and suffix."
        )
    kept = np.arange(len(cut))
    if len(cut) > limit:
        kept = np.sort(np.random.default_rng(seed).choice(len(cut), limit, replace=False))
    return Passages(
        joined([cut[i] for i in kept]).reshape(-1, size).astype(np.int64),
        prefix,
        np.array(where, np.int64)[kept],
        np.array(starts, np.int64)[kept],
        tuple(ids[i] for i in kept),
    )
