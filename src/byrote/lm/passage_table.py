"""The passages of one text, with where each is from, what it says, and how often it stands in the training text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.lm.corpus import Corpus
from byrote.lm.encoder import UNKNOWN, pieces
from byrote.lm.index import Index
from byrote.lm.model import LanguageModel
from byrote.lm.windows import Passages


@dataclass(frozen=True, eq=False)
class PassageTable:
    """The passages of one text, with where each is from and how often it stands in the training text.

    `document` is the id of each one's document, `source` the file of that and `byte` where it begins there. `before` and
    `after` are the texts of prefix and suffix, and `pieces` those of all tokens. `copies` says how often the whole passage stands
    in the training text, and `suffix_copies` how often its suffix does: 1 is once, itself; 0 is what control text should have;
    -1 where no index was made.
    """

    passages: Passages
    document: tuple[str, ...]
    source: tuple[str, ...]
    byte: Int[ndarray, " passage"]
    before: tuple[str, ...]
    after: tuple[str, ...]
    pieces: tuple[tuple[str, ...], ...]
    copies: Int[ndarray, " passage"]
    suffix_copies: Int[ndarray, " passage"]

    def __len__(self) -> int:
        return len(self.passages)

    @property
    def cluster(self) -> Int[ndarray, " passage"]:
        """What is independent of each other: the copies of one passage are one thing, all else goes by document."""
        _, which, counts = np.unique(self.passages.tokens, axis=0, return_inverse=True, return_counts=True)
        which = which.reshape(-1)
        return np.where(counts[which] > 1, which, len(counts) + self.passages.document)


def passage_table(corpus: Corpus, model: LanguageModel, own: Passages, index: Index | None) -> PassageTable:
    """Return passages of a text with their texts, and how often these stand in the training text."""
    prefix = own.prefix
    split = [tuple(pieces(model.encoder, row)) for row in own.tokens]
    before, after = (tuple("".join(row[cut]) for row in split) for cut in (slice(0, prefix), slice(prefix, None)))
    documents = {int(at): corpus[int(at)] for at in np.unique(own.document)}
    places = [documents[int(at)] for at in own.document]
    copies = {
        name: np.full(len(own), -1) if index is None else _counts(index, texts)
        for name, texts in (("whole", [a + b for a, b in zip(before, after, strict=True)]), ("suffix", after))
    }
    return PassageTable(
        own, tuple(each.id for each in places), tuple(each.source for each in places),
        np.array([each.start for each in places], np.int64), before, after, tuple(split), copies["whole"], copies["suffix"],
    )  # fmt: skip


def _counts(index: Index, texts: Sequence[str]) -> Int[ndarray, " text"]:
    """Return how often each text occurs; characters that a window cuts in the middle are left away at its ends."""
    whole = [each.strip(UNKNOWN) for each in texts]
    known = index.counts(sorted({each for each in whole if each}))
    by_text = dict(zip(sorted({each for each in whole if each}), known.tolist(), strict=True))
    return np.array([by_text.get(each, 0) for each in whole], np.int64)
