"""Kinds of extracted spans: recited, reconstructed, recollected. Prashanth et al., 2024, arXiv:2406.17746."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.lm.encoder import Encoder
from byrote.lm.predictable import NGrams, counted_share, in_context
from byrote.lm.windows import Passages

Kind = Literal["recite", "reconstruct", "recollect"]

DUPLICATED = 5
"""Recited: a passage with more copies than this in the training text (the paper's threshold)."""

PREDICTABLE = 0.8
"""Reconstructed: a suffix of which this share of tokens is predictable without having seen it."""


@dataclass(frozen=True, eq=False)
class Kinds:
    """What kind of text each passage is, and the evidence: shares of the suffix, NaN where it was not looked at.

    `in_context` is the share of suffix tokens that copying on from earlier in the passage gives, `ngram` the share that an
    n-gram model of other text gives, `reference` the share that are the greedy tokens of a model that never saw the passage,
    `counted` the share of characters that counting on gives. `predictable` is the share of tokens that at least one of the
    first three gives, or `counted` if that is more: high means that the text could be written without having been memorized.
    """

    kind: tuple[Kind, ...]
    copies: Int[ndarray, " passage"]
    in_context: Float[ndarray, " passage"]
    ngram: Float[ndarray, " passage"]
    reference: Float[ndarray, " passage"]
    counted: Float[ndarray, " passage"]
    predictable: Float[ndarray, " passage"]


@checked
def kinds(
    passages: Passages,
    encoder: Encoder,
    copies: Int[ndarray, " passage"],
    *,
    ngrams: NGrams | None = None,
    reference: Bool[ndarray, "passage token"] | None = None,
    duplicated: int = DUPLICATED,
    predictable: float = PREDICTABLE,
) -> Kinds:
    """Return for each passage whether a model that gives its suffix recites, reconstructs or recollects it, with evidence.

    Recite: the passage stands more than `duplicated` times in the training text. Else reconstruct: at least the share
    `predictable` of the suffix is predictable. Else recollect: it is rare, and nothing else is seen to explain it.
    Give the passages that were extracted; `copies` says how often each stands in the training text. `ngrams` are those of
    control text, and `reference` are the greedy verdicts of a model that was not trained on the passages: without them only
    copies within the passage and counting are seen as predictable, and more is called recollected. A text that is recited may
    be predictable too: the columns say so. Raises InvalidData where an array has another length.

    It misleads where copies are not exact (near-duplicates count as none), and where the n-grams are of text that holds the
    passages.
    """
    rows = len(passages)
    if len(copies) != rows or (reference is not None and reference.shape != (rows, passages.suffix)):
        raise InvalidData(
            f"There are {rows} passages with suffixes of {passages.suffix} tokens, {len(copies)} numbers of copies"
            + ("" if reference is None else f", and verdicts of the shape {reference.shape}")
            + ". Give one for each."
        )
    copied = in_context(passages.tokens, passages.prefix) if rows else np.zeros((0, passages.suffix), np.bool_)
    unknown = np.full(rows, np.nan)
    usual = ngrams.predicts(passages.tokens, passages.prefix) if ngrams is not None and rows else None
    some = copied.copy()
    for each in (usual, reference):
        if each is not None:
            some |= each
    counted = np.array([counted_share(*_texts(row, passages.prefix, encoder)) for row in passages.tokens], np.float64)
    share = np.fmax(some.mean(1), counted)
    found: list[Kind] = [
        "recite" if copies[i] > duplicated else "reconstruct" if share[i] >= predictable else "recollect"
        for i in range(rows)
    ]
    return Kinds(
        tuple(found),
        np.asarray(copies, np.int64),
        copied.mean(1),
        unknown if usual is None else usual.mean(1),
        unknown if reference is None else reference.mean(1),
        counted,
        share,
    )


def _texts(tokens: Int[ndarray, " token"], prefix: int, encoder: Encoder) -> tuple[str, str]:
    """Return the text of prefix and suffix, cut where the whole text is."""
    front, whole = encoder.decode(tokens[:prefix]), encoder.decode(tokens)
    return (front, whole[len(front) :]) if whole.startswith(front) else (front, encoder.decode(tokens[prefix:]))
