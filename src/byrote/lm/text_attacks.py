"""All membership scores of texts that one model can be asked for."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.lm.encoder import joined
from byrote.lm.membership import (
    loss_score,
    lowercase_score,
    min_k_plus_plus_score,
    min_k_score,
    recall_score,
    reference_score,
    zlib_score,
)
from byrote.lm.model import LanguageModel
from byrote.lm.teacher_forcing import documents_forced


def membership_scores(
    model: LanguageModel, texts: Sequence[str], *, reference: LanguageModel | None = None, others: str = ""
) -> dict[str, Float[ndarray, " text"]]:
    """Return the scores of `byrote.lm.membership` for each text, by name; a HIGH one says member in each, NaN is an empty text.

    Texts may be longer than the model's context: they are read in windows. With a `reference` model there is the
    score `reference`. `others`, a text of the same kind that was certainly not trained on, is put in front for `recall`; keep
    it to a part of the context, since what it pushes out is not read.
    """
    encoded = [model.encoder.encode(text) for text in texts]
    forced = documents_forced(model, encoded, spread=True)
    logprob, mean, deviation = (
        _padded([getattr(each, name)[0] for each in forced]) for name in ("logprob", "mean", "deviation")
    )
    found = {
        "loss": loss_score(logprob),
        "zlib": zlib_score(logprob, texts),
        "lowercase": lowercase_score(logprob, _log_probabilities(model, [text.lower() for text in texts])),
        "min_k": min_k_score(logprob),
        "min_k_plus_plus": min_k_plus_plus_score(logprob, mean, deviation),
    }
    if others:
        front = model.encoder.encode(others)
        behind = documents_forced(model, [joined([front, row]) for row in encoded])
        found["recall"] = recall_score(logprob, _padded([each.logprob[0, len(front) :] for each in behind]))
    if reference is not None:
        found["reference"] = reference_score(logprob, _log_probabilities(reference, texts))
    return found


def _log_probabilities(model: LanguageModel, texts: Sequence[str]) -> Float[ndarray, "text token"]:
    encoded: list[Int[ndarray, " _"]] = [model.encoder.encode(text) for text in texts]
    return _padded([each.logprob[0] for each in documents_forced(model, encoded)])


def _padded(rows: Sequence[Float[ndarray, " _"]]) -> Float[ndarray, "text token"]:
    """Return rows of different lengths as one table, NaN behind the end of each."""
    table = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    return table
