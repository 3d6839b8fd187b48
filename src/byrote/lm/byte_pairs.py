"""Byte-level BPE (Sennrich et al., 2016, arXiv:1508.07909; Radford et al., 2019), trained on a corpus: an encoder of its own."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.errors import InvalidData, missing_extra
from byrote.lm.corpus import Corpus

BEGIN = "<|begin|>"
LEAST = 257
"""All bytes, and the first token of a document."""


@dataclass(frozen=True)
class Bpe:
    """A tokenizer as the JSON text of the library `tokenizers`; `begin`, 0, is the id of what stands before a document.

    Every text comes back as it was: a byte is a token where nothing longer is. Text that reads like the begin token is text.
    Raises InvalidData for what is no tokenizer.
    """

    json: str

    def __post_init__(self) -> None:
        try:
            found = self._tokenizer.token_to_id(BEGIN)
        except InvalidData:
            raise
        except Exception as error:
            raise InvalidData(f"This is no tokenizer: {error}. Give the text that `bpe` made.") from None
        if found != 0:
            raise InvalidData(f"This tokenizer has no token {BEGIN} with the id 0. Give the text that `bpe` made.")

    @property
    def name(self) -> str:
        """Its size and a digest of it."""
        return f"bpe-{self.size}-{hashlib.sha256(self.json.encode()).hexdigest()[:8]}"

    @property
    def size(self) -> int:
        """How many token ids there are."""
        return self._tokenizer.get_vocab_size()

    @property
    def begin(self) -> int:
        """The id in front of a document."""
        return 0

    def encode(self, text: str) -> Int[ndarray, " token"]:
        """Return the token ids of a text, without the first one of a document."""
        return np.array(self._tokenizer.encode(text, add_special_tokens=False).ids, np.int64)

    def decode(self, tokens: Int[ndarray, " token"]) -> str:
        """Return the text of token ids; the first one of a document has none, and a character that is cut becomes U+FFFD."""
        return self._tokenizer.decode([int(token) for token in tokens if token], skip_special_tokens=False)

    @cached_property
    def _tokenizer(self) -> Any:
        found = _tokenizers().Tokenizer.from_str(self.json)
        found.encode_special_tokens = True
        return found

    def __getstate__(self) -> dict[str, str]:
        return {"json": self.json}

    def __setstate__(self, state: dict[str, str]) -> None:
        object.__setattr__(self, "json", state["json"])


def bpe(texts: Corpus | Iterable[str], size: int = 1024) -> Bpe:
    """Return byte-level BPE of at most `size` token ids, trained on these texts; half a second for 300 KB.

    Each digit is a token of its own, so that numbers are read as they are written. It sees the texts: what a model recites of
    a corpus depends on an encoder that was trained on it. Raises InvalidData for a size below 257, and Unsupported without
    the library `tokenizers` (the extra `lm`).
    """
    if size < LEAST:
        raise InvalidData(f"size={size} is too few for all bytes. Give {LEAST} or more.")
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.BPE())
    before = library.pre_tokenizers
    tokenizer.pre_tokenizer = before.Sequence(
        [before.Digits(individual_digits=True), before.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        special_tokens=[BEGIN],
        initial_alphabet=before.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator((text if isinstance(text, str) else text.text for text in texts), trainer)
    return Bpe(tokenizer.to_str())


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise missing_extra("Byte-level BPE is made by the library tokenizers", "lm") from None
    return tokenizers
