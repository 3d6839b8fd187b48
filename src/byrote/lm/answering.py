"""Answering: whether a model gives the wanted answers, exactly, and how probable they are to it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.model import LanguageModel
from byrote.lm.teacher_forcing import documents_forced
from byrote.lm.wanted import Wanted


@dataclass(frozen=True, eq=False)
class Answered:
    """What a model gives for each wanted answer.

    `exact` [wanted]: greedy decoding after the prompt gives the whole answer, token by token. `right` [wanted]: the share of its
    tokens that are the greedy ones, given the true tokens before. `logprob` [wanted]: log-probability of the answer after the
    prompt, in nats, summed over tokens.
    """

    exact: Bool[ndarray, " wanted"]
    right: Float[ndarray, " wanted"]
    logprob: Float[ndarray, " wanted"]


def answered(model: LanguageModel, wanted: Wanted) -> Answered:
    """Return what a model gives for each wanted answer, by teacher forcing, in evaluation mode.

    Raises InvalidData for an entry that is longer than what the model reads.
    """
    check_fits(model, wanted)
    found = documents_forced(model, wanted.tokens)
    parts = [(each.greedy[0, n:], each.logprob[0, n:]) for each, n in zip(found, wanted.given, strict=True)]
    return Answered(
        np.array([greedy.all() for greedy, _ in parts], np.bool_),
        np.array([greedy.mean() for greedy, _ in parts], np.float64),
        np.array([logprob.sum(dtype=np.float64) for _, logprob in parts], np.float64),
    )


def check_fits(model: LanguageModel, wanted: Wanted) -> None:
    """Raise InvalidData for an entry that is longer than what a model reads, or has no token in front of its answer."""
    reach = model.context + (model.encoder.begin is None)
    long = [id_ for id_, row in zip(wanted.ids, wanted.tokens, strict=True) if len(row) > reach]
    if long:
        raise InvalidData(
            f"{len(long)} of {len(wanted)} wanted entries are longer than the {reach} tokens that {model.name} takes, for example {long[0]!r}. Cut them."
        )
    if model.encoder.begin is None and not wanted.given.all():
        raise InvalidData(f"Prompts have no token for {model.name}. Give longer ones.")
