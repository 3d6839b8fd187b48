"""Encoder: text to token ids and back. What a language model reads is always said by one of these."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData

UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Encoder(Protocol):
    """Text to token ids and back, without anything added: no first token, no last token, no space in front.

    `size` is the number of token ids, and `begin` the id that models of this encoder expect before the first token of a
    document, or None. `name` is its identity in records.
    """

    @property
    def name(self) -> str:
        """Its identity."""
        ...

    @property
    def size(self) -> int:
        """How many token ids there are."""
        ...

    @property
    def begin(self) -> int | None:
        """The id in front of a document, or None."""
        ...

    def encode(self, text: str) -> Int[ndarray, " token"]:
        """Return the token ids of a text, as int64."""
        ...

    def decode(self, tokens: Int[ndarray, " token"]) -> str:
        """Return the text of token ids. A character that is cut in the middle becomes U+FFFD."""
        ...


@dataclass(frozen=True)
class Bytes:
    """One token per byte of UTF-8. `begin` is the id of a first token, such as 256, which then is in the vocabulary too."""

    begin: int | None = None
    name: str = "bytes"

    @property
    def size(self) -> int:
        """How many token ids there are."""
        return 256 if self.begin is None else max(256, self.begin + 1)

    def encode(self, text: str) -> Int[ndarray, " token"]:
        """Return the bytes of a text."""
        return np.frombuffer(text.encode(), np.uint8).astype(np.int64)

    def decode(self, tokens: Int[ndarray, " token"]) -> str:
        """Return the text of bytes."""
        return bytes(int(i) for i in tokens if i < 256).decode(errors="replace")


@dataclass(frozen=True)
class Characters:
    """One token per character of `alphabet`; its place there is its id. Raises InvalidData for a character that is not there."""

    alphabet: str
    begin: int | None = None
    name: str = "characters"

    def __post_init__(self) -> None:
        if len(set(self.alphabet)) != len(self.alphabet) or not self.alphabet:
            raise InvalidData("An alphabet needs each of its characters once. Give ''.join(sorted(set(text))).")

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Characters":
        """Return the encoder of all characters of these texts, sorted."""
        return cls("".join(sorted({character for text in texts for character in text})))

    @property
    def size(self) -> int:
        """How many token ids there are."""
        return len(self.alphabet) if self.begin is None else max(len(self.alphabet), self.begin + 1)

    def encode(self, text: str) -> Int[ndarray, " token"]:
        """Return the place of each character in the alphabet."""
        places = {character: at for at, character in enumerate(self.alphabet)}
        try:
            return np.array([places[character] for character in text], np.int64)
        except KeyError as error:
            raise InvalidData(
                f"The character {error.args[0]!r} is not in the alphabet of {len(self.alphabet)}. Use Characters.of(texts) of all texts, or Bytes()."
            ) from None

    def decode(self, tokens: Int[ndarray, " token"]) -> str:
        """Return the characters at these places."""
        return "".join(self.alphabet[i] for i in tokens if i < len(self.alphabet))


def check_encoder(encoder: Encoder, texts: Iterable[str]) -> None:
    """Raise InvalidData where a text does not come back as it was: then no recited passage could be recognized."""
    for text in texts:
        tokens = encoder.encode(text)
        if len(tokens) and (tokens.min() < 0 or tokens.max() >= encoder.size):
            raise InvalidData(
                f"The encoder {encoder.name} gives the token id {int(max(tokens.max(), -tokens.min()))}, and says that it has {encoder.size}. Give the size of its vocabulary."
            )
        back = encoder.decode(tokens)
        if back != text:
            at = next(
                (i for i, (a, b) in enumerate(zip(text, back, strict=False)) if a != b), min(len(text), len(back))
            )
            raise InvalidData(
                f"The encoder {encoder.name} does not give a text back: {text[at : at + 20]!r} becomes {back[at : at + 20]!r} at character {at}. Give an encoder whose decode(encode(text)) is the text."
            )


@checked
def pieces(encoder: Encoder, tokens: Int[ndarray, " token"]) -> list[str]:
    """Return the text that each token adds: joined, they are the decoded text.

    A token that ends in the middle of a character adds nothing, and the token that completes it adds the whole character.
    """
    found: list[str] = []
    start, shown = 0, ""
    for end in range(1, len(tokens) + 1):
        text = encoder.decode(tokens[start:end])
        if text.endswith(UNKNOWN) and end - start < 8 and end < len(tokens):
            found.append("")
            continue
        found.append(text[len(shown) :] if text.startswith(shown) else text)
        # Decoding from two tokens back keeps what depends on the neighbour, such as a space in front, at linear cost.
        start, shown = (end - 1, encoder.decode(tokens[end - 1 : end])) if end - start > 1 else (start, text)
    return found


def joined(parts: Sequence[Int[ndarray, " _"]]) -> Int[ndarray, " token"]:
    """Return token ids one after the other."""
    return np.concatenate([np.zeros(0, np.int64), *parts])
