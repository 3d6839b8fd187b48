"""The first token: whether a model expects one in front of a text is found by asking, since tokenizers often do not say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from byrote.lm.corpus import Corpus
from byrote.lm.encoder import Encoder
from byrote.lm.model import LanguageModel
from byrote.lm.teacher_forcing import documents_forced

DOCUMENTS, LENGTH = 64, 32
"""Beginnings of documents that are asked for, and how many of their tokens."""

MARGIN = 0.05
"""Nats per token by which another first token has to be better than the one that the tokenizer names."""

First = int | None | Literal["auto"]


@dataclass(frozen=True)
class Beginning:
    """An encoder with another first token."""

    encoder: Encoder
    begin: int | None

    @property
    def name(self) -> str:
        """Its identity."""
        return self.encoder.name

    @property
    def size(self) -> int:
        """How many token ids there are."""
        return self.encoder.size

    def encode(self, text: str) -> Int[ndarray, " token"]:
        """Return the token ids of a text."""
        return self.encoder.encode(text)

    def decode(self, tokens: Int[ndarray, " token"]) -> str:
        """Return the text of token ids."""
        return self.encoder.decode(tokens)


def with_first_token(
    model: LanguageModel, corpus: Corpus, first: First = "auto"
) -> tuple[LanguageModel, dict[str, Any]]:
    """Return the model with the first token that suits it, and what was found: the id, and the loss with each that was tried.

    A model that was trained with a token in front of each text recites nothing without it. Tried are the first token that the
    encoder names, none, and its special tokens for the beginning and the end of a text (`starts`): each in front of the
    beginnings of 64 documents. The one with the least mean loss is taken, if it is .05 nats per token better than what the
    encoder names. `first` sets it: an id, or None for none.
    """
    if first != "auto":
        return replace(model, encoder=Beginning(model.encoder, first)), {"id": first, "tried": {}, "named": first}
    named = model.encoder.begin
    tried = [named, *(each for each in (None, *getattr(model.encoder, "starts", ())) if each != named)]
    tried = list(dict.fromkeys(each for each in tried if each is None or each < model.encoder.size))
    if len(tried) == 1:
        return model, {"id": named, "tried": {}, "named": named}
    texts = [
        model.encoder.encode(corpus[at].text[: 16 * LENGTH])[: min(LENGTH, model.context - 1)]
        for at in _spread(len(corpus))
    ]
    texts = [each for each in texts if len(each) > 1]
    if not texts:
        return model, {"id": named, "tried": {}, "named": named}
    losses = [_loss(replace(model, encoder=Beginning(model.encoder, each)), texts) for each in tried]
    best = int(np.argmin(losses))
    chosen = tried[best] if losses[best] < losses[0] - MARGIN else named
    found = {
        "id": chosen,
        "tried": {str(each): round(loss, 3) for each, loss in zip(tried, losses, strict=True)},
        "named": named,
    }
    return (model if chosen == named else replace(model, encoder=Beginning(model.encoder, chosen))), found


def _loss(model: LanguageModel, texts: Sequence[Int[ndarray, " _"]]) -> float:
    """Return the mean loss in nats of all tokens but the first, which is not predicted where nothing is in front."""
    said = [each.logprob[0, 1:] for each in documents_forced(model, texts)]
    return float(-np.concatenate(said).mean(dtype=np.float64))


def _spread(documents: int) -> list[int]:
    return np.unique(np.linspace(0, documents - 1, min(DOCUMENTS, documents)).astype(int)).tolist()
