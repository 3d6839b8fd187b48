"""Words of texts as token ids: a vocabulary of the training texts, and what a text is read back as."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOKEN = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W぀-ヿ㐀-鿿가-힯]+|[^\w\s]")
"""A token is a word, a mark, or a character of a script that puts no blanks between words."""

SIZE = 20_000
"""Words of a vocabulary, at most: the commonest."""

TEXTS = 2
"""Training texts that a word has to stand in."""

LONGEST = 256
"""Tokens of a text that are read, at most."""

FILL, UNKNOWN = 0, 1
"""The token that fills texts up to one length, and that of all words which are not in the vocabulary."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Writes an example as people know it: its text as it stands in the file, or the words of its tokens for others.

    It is the `show` of Examples.
    """

    texts: Mapping[bytes, str]
    words: tuple[str, ...]

    def __call__(self, tokens: NDArray[Any]) -> str:
        """Return the text of one example."""
        found = self.texts.get(np.ascontiguousarray(tokens, np.int32).tobytes())
        return found if found is not None else " ".join(self.words[token] for token in tokens.tolist() if token != FILL)


def split_words(text: str) -> list[str]:
    """Return the tokens of a text, in small letters."""
    return TOKEN.findall(text.lower())


def vocabulary(texts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the words that stand in TEXTS texts or more, the commonest first, behind the two tokens that are no words."""
    counts = Counter(word for text in texts for word in set(text))
    known = sorted((word for word, count in counts.items() if count >= TEXTS), key=lambda word: (-counts[word], word))
    return ("", "<unknown>", *known[:SIZE])


def tokens_of(texts: Sequence[Sequence[str]], words: Sequence[str], length: int) -> NDArray[np.int32]:
    """Return token ids `[text, position]`, cut off and filled up to `length`."""
    number = {word: at for at, word in enumerate(words) if at > UNKNOWN}
    found = np.full((len(texts), length), FILL, np.int32)
    for row, text in zip(found, texts, strict=True):
        kept = [number.get(word, UNKNOWN) for word in text[:length]]
        row[: len(kept)] = kept
    return found
