"""kNN-LM: a memory of what followed which text beside a language model, Khandelwal et al., 2020, arXiv:1911.00172.

The key of a token is the state of the model after the text before it; the value is the token. A model that is asked looks up
what followed in the texts of the memory, and mixes that with what it would give by itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus
from byrote.lm.model import LanguageModel
from byrote.lm.states import document_states, hidden_at, width_of
from byrote.lm.teacher_forcing import as_tensor, asking, check_length, with_begin
from byrote.lm.windows import Passages
from byrote.recall import Answers, Deletion, Memory

K, TEMPERATURE, WEIGHT = 16, 10.0, 0.25
"""Neighbours, squared distance by which the weight of one falls by e, and share of the memory in the mixture."""

AT_A_TIME = 64
"""Documents that are encoded and read at a time, and passages that are asked at a time."""


def datastore(
    model: LanguageModel,
    corpus: Corpus,
    *,
    index: str = "exact",
    stride: int | None = None,
    starts: Sequence[int] = (0,),
) -> Memory:
    """Return a memory of all tokens of a corpus: the state of the model before each is a key, the token id its value.

    The id of an entry is `DOCUMENT:POSITION`, the place where the token stands. Distances are Euclidean. About 4 x width + 200
    bytes a token. `starts` are the tokens from which on each document is read: a state depends on how much text stands before
    it, and small models with learned positions find it again behind the same beginning only. With `range(0, 40)` a text is
    recalled from any of its first 40 tokens on, for 40 times the bytes; such entries are called `DOCUMENT:POSITION@START`.
    Raises Unsupported for a model that gives no states.
    """
    memory = Memory(width_of(model), metric="euclidean", index=index)
    store_documents(memory, model, corpus, stride=stride, starts=starts)
    return memory


def store_documents(
    memory: Memory,
    model: LanguageModel,
    corpus: Corpus,
    *,
    stride: int | None = None,
    starts: Sequence[int] = (0,),
) -> None:
    """Add all tokens of a corpus to a memory. Raises InvalidData for a document that is there already."""
    for first in range(0, len(corpus), AT_A_TIME):
        some = [corpus[at] for at in range(first, min(first + AT_A_TIME, len(corpus)))]
        tokens = [model.encoder.encode(document.text) for document in some]
        store_tokens(memory, model, [document.id for document in some], tokens, stride=stride, starts=starts)


def store_tokens(
    memory: Memory,
    model: LanguageModel,
    ids: Sequence[str],
    tokens: Sequence[Int[ndarray, " _"]],
    *,
    stride: int | None = None,
    starts: Sequence[int] = (0,),
) -> None:
    """Add texts that are encoded already, such as `Wanted.tokens`: a prompt and its answer, encoded apart, as they are asked for.

    The first token of a text is not stored: where the encoder has a `begin`, the state before it is the same for all texts.
    Raises InvalidData for a text that is there already, and for `starts` that are no numbers of tokens.
    """
    if not starts or min(starts) < 0 or len(set(starts)) < len(starts):
        raise InvalidData(f"starts={tuple(starts)}: give token numbers from 0 on, each once.")
    for start in starts:
        behind = "" if start == 0 else f"@{start}"
        for found in document_states(model, [row[start:] for row in tokens], stride=stride):
            kept = found.position > 0  # before a first token nothing stands that would tell texts apart
            places = zip(found.document[kept], found.position[kept] + start, strict=True)
            memory.add(found.state[kept], found.token[kept], [f"{ids[at]}:{place}{behind}" for at, place in places])


def document_entries(memory: Memory, document: str) -> tuple[str, ...]:
    """Return the ids of the entries that are from a document, by its id."""
    return tuple(id_ for id_ in memory.ids if id_.rpartition(":")[0] == document)


def forget_document(memory: Memory, document: str) -> Deletion:
    """Delete all entries of a document, and return what shows that they are gone. Raises InvalidData where there is none."""
    ids = document_entries(memory, document)
    if not ids:
        raise InvalidData(
            f"No entry of this memory is from the document {document!r}. Give the id of one that is stored."
        )
    return memory.delete_and_prove(ids)


def with_memory(
    model: LanguageModel,
    memory: Memory,
    *,
    weight: float = WEIGHT,
    k: int = K,
    temperature: float = TEMPERATURE,
) -> LanguageModel:
    """Return a language model that looks up what followed similar texts: p = (1 - weight) p_model + weight p_memory.

    p_memory is softmax(-squared distance / temperature) over the `k` nearest keys, summed by token. `weight` 0 is the model,
    1 the memory alone. Where the memory is calibrated and the text is not known to it, and where it is empty, the model
    answers alone. The memory is looked up whenever the model is asked, so what is added or deleted counts at once. The result
    is a LanguageModel like any other: extraction, losses and the audit can be measured of it. It reads without a cache.

    What suits a temperature depends on the scale of the states: choose it and the weight with `fit_memory`.
    Raises InvalidData for a weight outside 0 to 1 and for a temperature that is not above 0, Unsupported for a model
    that gives no states.
    """
    _check(weight, temperature)
    width_of(model)

    def hidden(tokens: Tensor, count: int) -> tuple[Tensor, Tensor]:
        logits, states = hidden_at(model, tokens, count)
        if weight == 0:
            return logits, states
        answers = memory.look_up(states.reshape(-1, states.shape[2]).cpu().numpy(), k)
        flat = torch.log_softmax(logits.flatten(0, 1), 1)
        votes = _votes(answers, temperature, flat.shape[1]).log().to(flat)
        return _mixture(flat, votes, weight, answers).reshape(logits.shape), states

    return replace(
        model,
        logits=lambda tokens: hidden(tokens, tokens.shape[1])[0],
        ending=lambda tokens, count: hidden(tokens, count)[0],
        reading=None,
        hidden=hidden,
        name=f"{model.name} with a memory of {len(memory):,} tokens",
    )


@dataclass(frozen=True, eq=False)
class MemoryColumns:
    """What a model and a memory each give for the tokens of suffixes, so that any mixture of the two can be computed.

    `logprob` [passage, token] is the log-probability of the true token by the model; `memory` [temperature, passage, token]
    that by the memory, at each of `temperatures`: -inf where no neighbour has it. `nearest` [passage, token] is the distance
    of the nearest key. `known`: whether the memory answers. In nats.
    """

    temperatures: tuple[float, ...]
    logprob: Float[ndarray, "passage token"]
    memory: Float[ndarray, "temperature passage token"]
    nearest: Float[ndarray, "passage token"]
    known: ndarray


def memory_columns(
    model: LanguageModel, memory: Memory, passages: Passages, *, temperatures: Sequence[float], k: int = K
) -> MemoryColumns:
    """Return what a model and a memory give for each token of the suffixes, from one pass and one look-up."""
    for each in temperatures:
        _check(0.0, each)
    check_length(model, passages.tokens.shape[1])
    tokens, count = with_begin(model, passages.tokens), passages.suffix
    parts: list[tuple[ndarray, ...]] = []
    with asking(model):
        for start in range(0, len(tokens), AT_A_TIME):
            given = as_tensor(model, tokens[start : start + AT_A_TIME])
            logits, states = hidden_at(model, given[:, :-1], count)
            wanted = given[:, -count:]
            own = torch.log_softmax(logits, 2).gather(2, wanted[:, :, None])[:, :, 0]
            answers = memory.look_up(states.reshape(-1, states.shape[2]).cpu().numpy(), k)
            right = _tokens(answers) == wanted.reshape(-1, 1).cpu().numpy()
            with np.errstate(divide="ignore"):
                shares = [np.log((_shares(answers, each) * right).sum(1)) for each in temperatures]
            shape = tuple(own.shape)
            parts.append(
                (
                    own.cpu().numpy(),
                    np.stack([each.reshape(shape) for each in shares], 1),
                    answers.nearest.reshape(shape),
                    answers.known.reshape(shape),
                )
            )
    logprob, share, nearest, known = (np.concatenate(column) for column in zip(*parts, strict=True))
    return MemoryColumns(tuple(temperatures), logprob, np.moveaxis(share, 1, 0), nearest, known)


@checked
def mixed_logprob(
    logprob: Float[ndarray, "passage token"], memory: Float[ndarray, "passage token"], weight: float
) -> Float[ndarray, "passage token"]:
    """Return log((1 - weight) p_model + weight p_memory) of each true token, in nats, from the logarithms of the two."""
    if weight == 0:
        return logprob
    with np.errstate(divide="ignore"):
        return np.logaddexp(
            np.log1p(-weight) + logprob if weight < 1 else np.full_like(logprob, -np.inf), np.log(weight) + memory
        )


@dataclass(frozen=True)
class FittedMemory:
    """The weight and temperature of the least loss, and the mean loss in nats per token there and without the memory."""

    weight: float
    temperature: float
    loss: float
    alone: float


def fit_memory(
    columns: MemoryColumns, weights: Sequence[float] = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
) -> FittedMemory:
    """Return the weight and temperature, among those given, with the least mean loss on a text. Use one that is not judged later.

    Weight 0, the model alone, is always among them.
    """
    best = (0.0, columns.temperatures[0], -float(columns.logprob.mean(dtype=np.float64)))
    alone = best[2]
    for at, temperature in enumerate(columns.temperatures):
        for weight in weights:
            loss = -float(known_mixture(columns, at, weight).mean(dtype=np.float64))
            if loss < best[2]:
                best = (weight, temperature, loss)
    return FittedMemory(best[0], best[1], best[2], alone)


def known_mixture(columns: MemoryColumns, temperature: int, weight: float) -> Float[ndarray, "passage token"]:
    """Return the log-probability of the mixture at one temperature; that of the model where the memory does not answer."""
    mixed = mixed_logprob(columns.logprob, columns.memory[temperature].astype(columns.logprob.dtype), weight)
    return np.where(columns.known, mixed, columns.logprob)


def _check(weight: float, temperature: float) -> None:
    if not 0 <= weight <= 1:
        raise InvalidData(f"weight={weight!r}: give the share of the memory in the mixture, from 0 to 1.")
    if not (temperature > 0 and math.isfinite(temperature)):
        raise InvalidData(f"temperature={temperature!r}: give a number above 0, in squared distances.")


def _shares(answers: Answers, temperature: float) -> Float[ndarray, "query rank"]:
    """Return the weight of each neighbour: softmax(-squared distance / temperature); 0 where there is none."""
    squares = np.square(answers.distances, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        scores = np.exp(-(squares - squares[:, :1]) / temperature)
    scores = np.where(np.isfinite(answers.distances), scores, 0.0)
    return scores / np.maximum(scores.sum(1, keepdims=True), 1e-300)


def _tokens(answers: Answers) -> Int[ndarray, "query rank"]:
    return np.where(np.isfinite(answers.distances), answers.values, -1).astype(np.int64)


def _votes(answers: Answers, temperature: float, vocabulary: int) -> Float[Tensor, "query vocabulary"]:
    """Return the probability that the memory gives each token."""
    found = torch.zeros(len(answers), vocabulary, dtype=torch.float64)
    tokens = torch.from_numpy(np.maximum(_tokens(answers), 0))
    return found.scatter_add_(1, tokens, torch.from_numpy(_shares(answers, temperature)))


def _mixture(
    logprobs: Float[Tensor, "query vocabulary"],
    votes: Float[Tensor, "query vocabulary"],
    weight: float,
    answers: Answers,
) -> Float[Tensor, "query vocabulary"]:
    own = logprobs + math.log1p(-weight) if weight < 1 else torch.full_like(logprobs, -torch.inf)
    mixed = torch.logaddexp(own, votes + math.log(weight))
    known = torch.from_numpy(answers.known).to(mixed.device)[:, None]
    return torch.where(known, mixed, logprobs)
