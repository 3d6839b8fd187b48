"""Near-verbatim extraction: how probable a sample is that differs from the suffix in a few tokens only.

Bounds by beam search over the allowed texts alone, after Cooper et al., 2026 (decoding-constrained beam search): sampling would
need about 1 / probability samples. The upper bound, from what the search left out, is ours.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.lm.model import Cache, LanguageModel
from byrote.lm.sampling import Sampling, log_probabilities
from byrote.lm.teacher_forcing import (
    MEMORY,
    as_tensor,
    asking,
    check_length,
    last_logits,
    rows_at_a_time,
    with_begin,
)
from byrote.lm.windows import Passages

Distance = Literal["hamming", "edit"]


@dataclass(frozen=True, eq=False)
class NearVerbatim:
    """Bounds of the probability that one sample, as long as the suffix, is near it; `low` high is recited.

    The probability is at least `low` and at most `high`. `low` counts texts that were found, so with one beam or more it is
    a promise; `high` is 1 where the search left too much out to say anything.
    """

    low: Float[ndarray, " passage"]
    high: Float[ndarray, " passage"]


def near_verbatim(
    model: LanguageModel,
    passages: Passages,
    *,
    within: int = 5,
    distance: Distance = "edit",
    beams: int = 20,
    sampling: Sampling | None = None,
    memory: int = MEMORY,
) -> NearVerbatim:
    """Return bounds of the probability that a sample after the prefix is near the suffix, by constrained beam search.

    The sample has as many tokens as the suffix. `hamming` counts the places that differ; `edit` the insertions, deletions and
    replacements of tokens (Levenshtein). At each token the most probable `beams` texts are kept of those that can still end
    within the distance. Their sum at the end is the lower bound; it holds for any number of beams, and more beams raise it.
    What was left out, plus that, is the upper bound. Each passage costs `beams` times a generation of the suffix. With
    within=0 both are p_z. In double precision from fp32 logits. Raises InvalidData for a negative distance, no beams, and
    passages longer than the context.
    """
    if within < 0 or beams < 1 or distance not in ("hamming", "edit"):
        raise InvalidData(
            f"within={within}, beams={beams}, distance={distance!r}: give 0 or more, 1 or more, and 'hamming' or 'edit'."
        )
    check_length(model, passages.tokens.shape[1])
    at_a_time = max(1, rows_at_a_time(model, 1, memory) // beams)
    parts = [
        _searched(
            model, passages.tokens[i : i + at_a_time], passages.prefix, within, distance, beams, sampling or Sampling()
        )
        for i in range(0, len(passages), at_a_time)
    ]
    low, high = (np.concatenate([np.zeros(0), *column]) for column in ([p[0] for p in parts], [p[1] for p in parts]))
    return NearVerbatim(low, high)


def _searched(
    model: LanguageModel,
    tokens: Int[ndarray, "passage token"],
    prefix: int,
    within: int,
    distance: Distance,
    beams: int,
    sampling: Sampling,
) -> tuple[Float[ndarray, " passage"], Float[ndarray, " passage"]]:
    """Return the bounds of some passages, searched together."""
    suffix = tokens[:, prefix:]
    passages, length = suffix.shape
    # One row per beam; a beam of probability 0 is none. Its state is the last row of the table of Levenshtein's distance.
    logp = np.full((passages, beams), -np.inf)
    logp[:, 0] = 0.0
    state = np.tile(np.arange(length + 1), (passages, beams, 1))
    lost = np.zeros(passages)
    with asking(model):
        ask = _Asked(model, with_begin(model, tokens[:, :prefix]), beams)
        for at in range(length):
            special = _special(suffix, at, within if distance == "edit" else 0)
            own, others, other_logp, rest = ask.next(special, beams, sampling)
            chosen = np.concatenate([np.broadcast_to(special[:, None], own.shape), others], 2)
            gained = np.concatenate([own, other_logp], 2) + logp[:, :, None]
            states = _advanced(state, chosen, suffix, at, distance)
            allowed = _can_end(states, at + 1, within)
            gained = np.where(allowed, gained, -np.inf)
            # What is allowed: each special token that is, and all others where one of them is: they differ in nothing.
            outside = _can_end(
                _advanced(state, np.full((passages, beams, 1), -1), suffix, at, distance), at + 1, within
            )
            mass = np.exp(gained[:, :, : special.shape[1]]).sum((1, 2)) + (np.exp(logp) * rest * outside[:, :, 0]).sum(
                1
            )
            flat = gained.reshape(passages, -1)
            best = np.argsort(-flat, 1, kind="stable")[:, :beams]
            parent, which = np.divmod(best, gained.shape[2])
            rows = np.arange(passages)[:, None]
            logp, state = flat[rows, best], states[rows, parent, which]
            lost += np.maximum(0.0, mass - np.exp(logp).sum(1))
            ask.go_on(parent, chosen[rows, parent, which])
    low = np.exp(logp).sum(1)
    return low, np.minimum(1.0, low + lost)


def _special(suffix: Int[ndarray, "passage token"], at: int, reach: int) -> Int[ndarray, "passage special"]:
    """Return the tokens whose choice matters to the distance: those of the suffix near this place; -1 for repeats among them."""
    near = suffix[:, max(0, at - reach) : at + reach + 1].copy()
    ordered = np.sort(near, 1)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = -1
    return ordered


def _advanced(
    state: Int[ndarray, "passage beam place"],
    chosen: Int[ndarray, "passage beam choice"],
    suffix: Int[ndarray, "passage token"],
    at: int,
    distance: Distance,
) -> Int[ndarray, "passage beam choice place"]:
    """Return the state of each beam after each choice: distances of the text so far to each beginning of the suffix."""
    differs = chosen[..., None] != suffix[:, None, None, :]
    if distance == "hamming":  # one number for the whole text so far, at its own length
        found = np.full((*chosen.shape, state.shape[2]), 10**6)
        found[..., at + 1] = state[:, :, None, at] + differs[..., at]
        return found
    replaced = state[:, :, None, :-1] + differs
    inserted = np.broadcast_to(state[:, :, None, :] + 1, (*chosen.shape, state.shape[2]))
    best = inserted.copy()
    best[..., 1:] = np.minimum(best[..., 1:], replaced)
    places = np.arange(
        state.shape[2]
    )  # deletions: the least over earlier places of their distance and the way from there
    return np.minimum.accumulate(best - places, -1) + places


def _can_end(
    states: Int[ndarray, "passage beam choice place"], read: int, within: int
) -> Bool[ndarray, "passage beam choice"]:
    """Return whether a text of the suffix's length that goes on from here can be within the distance."""
    return (states + np.abs(np.arange(states.shape[-1]) - read)).min(-1) <= within


class _Asked:
    """The beams as the model has read them: with its cache where it has one, else as whole texts."""

    def __init__(self, model: LanguageModel, front: Int[ndarray, "passage token"], beams: int) -> None:
        self.model, self.beams, self.passages = model, beams, len(front)
        self.cache: Cache | None = None
        first = np.repeat(np.arange(len(front)), beams)
        if model.reading is None or front.shape[1] == 0:
            self.texts = front[first]
            self.logits = last_logits(model, as_tensor(model, self.texts), 1)[:, -1]
            return
        self.texts = front[first, :0]
        logits, cache = model.reading(as_tensor(model, front), 1, None)
        where = torch.from_numpy(first).to(logits.device)
        self.cache, self.logits = cache.rows(where), logits[where, -1].float()

    def next(
        self, special: Int[ndarray, "passage special"], others: int, sampling: Sampling
    ) -> tuple[
        Float[ndarray, "passage beam special"],
        Int[ndarray, "passage beam other"],
        Float[ndarray, "passage beam other"],
        Float[ndarray, "passage beam"],
    ]:
        """Return log-probabilities of the special tokens, the most probable others with theirs, and the share of all others."""
        # A model may have more logits than there are token ids; texts with these cannot be read on.
        logprobs = log_probabilities(self.logits, sampling)[:, : self.model.encoder.size].double()
        named = torch.from_numpy(np.repeat(special, self.beams, 0)).to(logprobs.device)
        own = logprobs.gather(1, named.clamp(min=0)).masked_fill(named < 0, float("-inf"))
        rest = (1 - own.exp().sum(1)).clamp(min=0)
        row, column = torch.nonzero(named >= 0, as_tuple=True)
        without = logprobs.index_put((row, named[row, column]), logprobs.new_tensor(float("-inf")))
        top = without.topk(min(others, without.shape[1]), 1)
        shape = (self.passages, self.beams, -1)
        return (
            own.cpu().numpy().reshape(shape),
            top.indices.cpu().numpy().reshape(shape),
            top.values.cpu().numpy().reshape(shape),
            rest.cpu().numpy().reshape(self.passages, self.beams),
        )

    def go_on(self, parent: Int[ndarray, "passage beam"], chosen: Int[ndarray, "passage beam"]) -> None:
        """Keep these beams, each with its parent's text and one token more, and ask for what follows."""
        rows = (np.arange(self.passages)[:, None] * self.beams + parent).ravel()
        added = np.maximum(chosen, 0).reshape(-1, 1)  # a beam that is none reads anything
        self.texts = np.concatenate([self.texts[rows], added], 1)
        if self.cache is None or self.model.reading is None:
            self.logits = last_logits(self.model, as_tensor(self.model, self.texts), 1)[:, -1]
            return
        kept = self.cache.rows(torch.from_numpy(rows).to(self.logits.device))
        logits, self.cache = self.model.reading(as_tensor(self.model, added), 1, kept)
        self.logits = logits[:, -1].float()
