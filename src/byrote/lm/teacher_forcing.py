"""Teacher forcing: one pass over a text gives, for each of its tokens, how probable it was after the true tokens before it.

No text is generated: greedy decoding gives the suffix exactly if each of its tokens has the largest logit after the true tokens
before it, and the product of the probabilities is the probability that sampling gives it.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.lm.model import LanguageModel
from byrote.lm.sampling import Sampling, log_probability_of
from byrote.lm.windows import Passages
from byrote.probes._frozen import evaluating

MEMORY = 256 * 2**20
"""Bytes of logits that are held at a time, by default."""

BLOCK = 2**18
"""Logits that are reduced at a time: their copies stay in the processor's cache."""

MOST_ROWS = 64
"""Passages that are asked at a time at most: more are no faster on a CPU."""

MOST_CACHED = 32
"""Passages whose keys and values are kept at a time at most."""

LOOKS = (1, 4, 16)
"""After so many tokens of each suffix `recited` leaves out what differs already."""


@dataclass(frozen=True, eq=False)
class Forced:
    """What a model says of each token, given the true tokens before it; in fp32.

    `logprob` is the natural logarithm of its probability; `greedy` whether greedy decoding takes it; `rank` how many tokens
    have a larger logit, so 0 is the first. `sampled` is the log-probability under the sampling scheme, -inf where that never
    draws the token. `mean` and `deviation` are those of the log-probability of a token that the model draws itself (Min-K%++
    needs them); NaN where they were not asked for. A token with nothing before it has NaN, rank -1, and is not greedy.
    """

    logprob: Float[ndarray, "passage token"]
    greedy: Bool[ndarray, "passage token"]
    rank: Int[ndarray, "passage token"]
    sampled: Float[ndarray, "passage token"]
    mean: Float[ndarray, "passage token"]
    deviation: Float[ndarray, "passage token"]

    def first(self, suffix: int) -> "Forced":
        """Return the same of the first `suffix` tokens of each passage: a shorter suffix needs no pass of its own."""
        if not 0 < suffix <= self.logprob.shape[1]:
            raise InvalidData(
                f"Suffixes of {self.logprob.shape[1]} tokens cannot be cut to {suffix}. Give 1 up to that."
            )
        return Forced(*(getattr(self, field.name)[:, :suffix] for field in fields(self)))


def teacher_forced(
    model: LanguageModel,
    passages: Passages,
    *,
    sampling: Sampling | None = None,
    spread: bool = False,
    memory: int = MEMORY,
) -> Forced:
    """Return what the model says of each token of the suffixes, `[passage token]`, from one pass without generation.

    The id that the encoder names `begin` is put in front. `sampling` is the scheme of the column `sampled`; without it that is
    `logprob`. `spread` asks for `mean` and `deviation`, which cost about a third more per logit. At most `memory` bytes of
    logits are held at a time; the model's own activations come on top. Raises InvalidData for passages that are longer than
    the context, and for logits that have another shape, too few entries or are NaN.
    """
    return _forced(model, passages.tokens, passages.suffix, sampling or Sampling(), spread, memory)


def recited(model: LanguageModel, passages: Passages, *, memory: int = MEMORY) -> Bool[ndarray, " passage"]:
    """Return for each passage whether greedy decoding after the prefix gives the whole suffix: `greedy.all(1)`, but faster.

    The first tokens of each suffix are looked at first, and later ones of those passages only that are right so far: most text
    that is not recited differs within a few tokens. A model with a cache (`LanguageModel.reading`) reads nothing twice. Where two
    logits are equal but for rounding, the verdict may differ from that of one pass: sums are taken in another order.
    """
    check_length(model, passages.tokens.shape[1])
    found = np.ones(len(passages), np.bool_)
    if model.reading is None:
        for reach in sorted({min(LOOKS[1], passages.suffix), passages.suffix}):
            tokens = passages.tokens[found, : passages.prefix + reach]
            if len(tokens):
                found[found] = _forced(model, tokens, reach, Sampling(), False, memory).greedy.all(1)
        return found
    rows = min(MOST_CACHED, rows_at_a_time(model, passages.suffix, memory))
    with asking(model):
        for start in range(0, len(passages), rows):
            found[start : start + rows] = _read_on(model, passages.tokens[start : start + rows], passages.prefix)
    return found


@checked
def candidates_forced(
    model: LanguageModel,
    prefix: Int[ndarray, " token"],
    candidates: Int[ndarray, "candidate suffix"],
    *,
    sampling: Sampling | None = None,
    memory: int = MEMORY,
) -> Forced:
    """Return what the model says of each token of several candidates that follow one prefix, `[candidate token]`.

    The prefix is read once where the model has a cache (`LanguageModel.reading`); else it is read with each candidate. Raises
    what `teacher_forced` raises.
    """
    scheme, count = sampling or Sampling(), candidates.shape[1]
    front = with_begin(model, prefix[None])
    if model.reading is None or front.shape[1] == 0:
        tokens = np.concatenate([np.tile(prefix, (len(candidates), 1)), candidates], 1)
        return _forced(model, tokens, count, scheme, False, memory)
    check_length(model, len(prefix) + count)
    rows, parts = rows_at_a_time(model, count, memory), [_nothing(0, count)]
    with asking(model):
        first, cache = model.reading(as_tensor(model, front), 1, None)
        for start in range(0, len(candidates), rows):
            given = as_tensor(model, candidates[start : start + rows])
            logits = first.float().expand(len(given), -1, -1)
            if count > 1:
                kept = cache.rows(torch.zeros(len(given), dtype=torch.long, device=given.device))
                logits = torch.cat([logits, model.reading(given[:, :-1], count - 1, kept)[0].float()], 1)
            parts.append(_columns(model, logits, given, scheme, False))
    return _joined(parts)


def documents_forced(
    model: LanguageModel,
    documents: Sequence[Int[ndarray, " _"]],
    *,
    stride: int | None = None,
    sampling: Sampling | None = None,
    spread: bool = False,
    memory: int = MEMORY,
) -> tuple[Forced, ...]:
    """Return what the model says of each token of whole documents: one `[1 token]` for each.

    A document that is longer than the context is read in windows as long as the context, each `stride` tokens after the one
    before (default: half the context). The first window judges all of its tokens, every other one its last `stride`: so each
    token is judged once, after at least context - stride tokens. The first token of a document has nothing before it, and is
    NaN, where the encoder has no `begin`. Raises what `teacher_forced` raises.
    """
    reach = model.context if model.encoder.begin is None else model.context - 1
    step = max(1, reach // 2) if stride is None else stride
    if not 0 < step <= reach:
        raise InvalidData(f"stride={step}: give a number from 1 to {reach}, which is what the model reads.")
    pieces = [piece for at, tokens in enumerate(documents) for piece in document_windows(at, len(tokens), reach, step)]
    pieces.sort(key=lambda piece: (piece.end - piece.start, piece.judged - piece.start))
    kept = [_nothing(1, len(tokens)) for tokens in documents]
    for batch in batches_of(model, pieces, memory):
        longest = max(piece.end - piece.start for piece in batch)
        rows = np.zeros((len(batch), longest), np.int64)
        for row, piece in zip(rows, batch, strict=True):
            row[: piece.end - piece.start] = documents[piece.document][piece.start : piece.end]
        first = min(piece.judged - piece.start for piece in batch)
        found = _forced(model, rows, longest - first, sampling or Sampling(), spread, memory)
        for at, piece in enumerate(batch):
            inside = slice(piece.judged - piece.start - first, piece.end - piece.start - first)
            for field in fields(found):
                getattr(kept[piece.document], field.name)[0, piece.judged : piece.end] = getattr(found, field.name)[
                    at, inside
                ]
    return tuple(kept)


@contextmanager
def asking(model: LanguageModel) -> Generator[None]:
    """Ask a model within this: without gradients, and with its module in evaluation mode."""
    with torch.no_grad(), nullcontext() if model.module is None else evaluating(model.module):
        yield


def last_logits(
    model: LanguageModel, tokens: Int[Tensor, "row token"], count: int
) -> Float[Tensor, "row count vocabulary"]:
    """Return the logits at the last `count` tokens, in fp32; raise InvalidData where they do not fit tokens or encoder."""
    found = model.logits(tokens) if model.ending is None else model.ending(tokens, count)
    if found.ndim != 3 or len(found) != len(tokens) or found.shape[1] not in (count, tokens.shape[1]):
        raise InvalidData(
            f"{model.name} gives the shape {tuple(found.shape)} for token ids of the shape {tuple(tokens.shape)}. Give logits [sequence, token, vocabulary]."
        )
    if found.shape[2] < model.encoder.size:
        raise InvalidData(
            f"{model.name} gives {found.shape[2]} logits, and its encoder {model.encoder.name} has {model.encoder.size} token ids. Give the encoder that the model was trained with."
        )
    return found[:, -count:].float()


def check_length(model: LanguageModel, tokens: int) -> None:
    """Raise InvalidData where a text of so many tokens, with `begin`, needs more context than the model has."""
    needed = tokens - 1 + (model.encoder.begin is not None)
    if needed > model.context:
        raise InvalidData(
            f"{model.name} reads {model.context} tokens, and {needed} are needed for passages of {tokens}. Give a shorter prefix or suffix."
        )


def with_begin(model: LanguageModel, tokens: Int[ndarray, "row token"]) -> Int[ndarray, "row more"]:
    """Return token ids with the id in front that the encoder names `begin`, where it names one."""
    if model.encoder.begin is None:
        return tokens
    return np.concatenate([np.full((len(tokens), 1), model.encoder.begin, tokens.dtype), tokens], 1)


def as_tensor(model: LanguageModel, tokens: Int[ndarray, "row token"]) -> Int[Tensor, "row token"]:
    """Return token ids where the model is; raise InvalidData for an id that the encoder does not have."""
    if tokens.size and (tokens.min() < 0 or tokens.max() >= model.encoder.size):
        raise InvalidData(
            f"The token ids go from {tokens.min()} to {tokens.max()}, and {model.encoder.name} has {model.encoder.size}. Encode the text with the encoder of {model.name}."
        )
    return torch.from_numpy(np.ascontiguousarray(tokens, np.int64)).to(model.device)


def _forced(
    model: LanguageModel, tokens: Int[ndarray, "row token"], count: int, sampling: Sampling, spread: bool, memory: int
) -> Forced:
    """Return what the model says of the last `count` tokens of each row."""
    check_length(model, tokens.shape[1])
    given = as_tensor(model, with_begin(model, tokens))
    judged = min(count, given.shape[1] - 1)
    parts = [_nothing(0, judged)]
    rows = rows_at_a_time(model, judged, memory)
    with asking(model):
        for start in range(0, len(tokens) if judged else 0, rows):
            part = given[start : start + rows]
            parts.append(_columns(model, last_logits(model, part[:, :-1], judged), part[:, -judged:], sampling, spread))
    found = _joined(parts) if judged else _nothing(len(tokens), 0)
    return found if judged == count else _joined([_nothing(len(tokens), 1), found], axis=1)


def _read_on(model: LanguageModel, tokens: Int[ndarray, "row token"], prefix: int) -> Bool[ndarray, " row"]:
    """Return whether each suffix is the greedy one, reading on only in rows where it is so far."""
    assert model.reading is not None
    given, count = as_tensor(model, tokens), tokens.shape[1] - prefix
    logits, cache = model.reading(as_tensor(model, with_begin(model, tokens[:, :prefix])), 1, None)
    alive, done = torch.arange(len(given), device=given.device), 0
    for reach in (*(look for look in LOOKS if look < count), count):
        if done:
            text = given[alive, prefix + done - 1 : prefix + reach - 1]
            logits, cache = model.reading(text, reach - done, cache)
        right = (logits.argmax(2) == given[alive, prefix + done : prefix + reach]).all(1)
        alive, cache, done = alive[right], cache.rows(torch.nonzero(right)[:, 0]), reach
        if not len(alive):
            break
    found = np.zeros(len(tokens), np.bool_)
    found[alive.cpu().numpy()] = True
    return found


def _columns(
    model: LanguageModel,
    logits: Float[Tensor, "row count vocabulary"],
    targets: Int[Tensor, "row count"],
    sampling: Sampling,
    spread: bool,
) -> Forced:
    """Return the columns of some rows, a block of logits at a time."""
    flat, wanted = logits.flatten(0, 1), targets.flatten()
    size = max(1, BLOCK // flat.shape[1])
    blocks = [_block(flat[i : i + size], wanted[i : i + size], sampling, spread) for i in range(0, len(flat), size)]
    columns = [torch.cat(column).reshape(targets.shape).cpu().numpy() for column in zip(*blocks, strict=True)]
    if np.isnan(columns[0]).any():
        raise InvalidData(f"{model.name} gives logits that are NaN or infinite. Look for what makes them so.")
    return Forced(*columns)


def _block(
    logits: Float[Tensor, "row vocabulary"], targets: Int[Tensor, " row"], sampling: Sampling, spread: bool
) -> tuple[Tensor, ...]:
    """Return the columns of one block, in the order of Forced."""
    own = logits.gather(1, targets[:, None])
    logprobs = torch.log_softmax(logits, 1)
    logprob = logprobs.gather(1, targets[:, None])[:, 0]
    rank = (logits > own).view(torch.uint8).sum(1, dtype=torch.int64)
    greedy = rank == 0
    if bool(greedy.any()):  # of equal logits, greedy decoding takes the one that argmax names
        greedy[greedy.clone()] = logits[greedy].argmax(1) == targets[greedy]
    sampled = logprob if sampling.plain else log_probability_of(logits, targets, sampling)
    mean = deviation = torch.full_like(logprob, float("nan"))
    if spread:
        weighted = logprobs.exp().mul_(logprobs).nan_to_num_(nan=0.0)
        mean = weighted.sum(1)
        deviation = (weighted.mul_(logprobs).nan_to_num_(nan=0.0).sum(1) - mean**2).clamp_(min=0).sqrt()
    return logprob, greedy, rank, sampled, mean, deviation


def _nothing(rows: int, tokens: int) -> Forced:
    """Return the columns of tokens that nothing is known of."""
    shape = (rows, tokens)
    nan = [np.full(shape, np.nan, np.float32) for _ in range(4)]
    return Forced(nan[0], np.zeros(shape, np.bool_), np.full(shape, -1, np.int64), *nan[1:])


def _joined(parts: Sequence[Forced], axis: int = 0) -> Forced:
    return Forced(*(np.concatenate([getattr(part, field.name) for part in parts], axis) for field in fields(Forced)))


def rows_at_a_time(model: LanguageModel, count: int, memory: int) -> int:
    """Return how many sequences may be asked at a time for `count` logits each, within so many bytes of fp32."""
    return max(1, min(MOST_ROWS, memory // (4 * max(1, count) * model.encoder.size)))


@dataclass(frozen=True)
class Window:
    """Tokens of one document that are read together; those from `judged` on are judged."""

    document: int
    start: int
    judged: int
    end: int


def document_windows(document: int, tokens: int, reach: int, stride: int) -> Iterator[Window]:
    """Yield the windows of a document: reading `reach` tokens judges one more, which is behind them."""
    judged = 0
    while judged < tokens:
        end = min(tokens, reach + 1 if judged == 0 else judged + stride)
        yield Window(document, max(0, end - reach - 1), judged, end)
        judged = end


def batches_of(model: LanguageModel, windows: Sequence[Window], memory: int) -> Iterator[Sequence[Window]]:
    """Yield windows that are asked at a time: of one length nearly, and within the memory."""
    start = 0
    while start < len(windows):
        last = windows[min(start + MOST_ROWS, len(windows)) - 1]
        rows = rows_at_a_time(model, last.end - last.start, memory)
        yield windows[start : start + rows]
        start += rows
