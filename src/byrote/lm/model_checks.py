"""Checks before work: what a model answers to a few token ids has to be the logits of a causal model of this vocabulary."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from byrote.errors import InvalidData
from byrote.lm.model import LanguageModel
from byrote.lm.teacher_forcing import as_tensor, asking, last_logits

TOLERANCE = 1e-3
"""How far logits may differ, relative to the largest, where only the order of sums differs."""


def check_model(model: LanguageModel, *, seed: int = 0) -> None:
    """Raise InvalidData, in a sentence, for a model whose answers cannot be measured.

    It is asked five times for at most 8 random token ids. Refused are logits of another shape, fewer logits than the encoder
    has ids, NaN, other answers to the same question (dropout that evaluation does not turn off), answers that depend on the
    other sequences of a batch, and logits that change when a later token changes (a model that is not causal, or reads the
    text shifted). Faster ways to ask have to give the same logits.
    """
    length = min(8, model.context)
    tokens = np.random.default_rng(seed).integers(0, model.encoder.size, (2, length))
    changed = tokens.copy()
    changed[:, -1] = (changed[:, -1] + 1) % model.encoder.size
    with asking(model):
        first = _asked(model, tokens, length)
        if torch.isnan(first).any() or torch.isposinf(first).any():
            raise InvalidData(f"{model.name} gives logits that are NaN or infinite. Look for what makes them so.")
        if not _same(first, _asked(model, tokens, length)):
            raise InvalidData(
                f"{model.name} gives other logits when it is asked again. Turn off what is random in it, such as dropout."
            )
        if not _same(first[:1], _asked(model, tokens[:1], length)):
            raise InvalidData(
                f"{model.name} gives other logits for a sequence that is alone in its batch. Give a model that reads each for itself."
            )
        if not _same(first[:, :-1], _asked(model, changed, length)[:, :-1]):
            raise InvalidData(
                f"{model.name} is not causal: another last token changes the logits before it. Give a model that reads from left to right."
            )
        _check_faster(model, tokens, first)


def _asked(model: LanguageModel, tokens: np.ndarray, count: int) -> Float[Tensor, "row count vocabulary"]:
    """Return all logits through the plain way to ask, in fp32."""
    plain = LanguageModel(model.logits, model.encoder, model.context, model.name, model.device)
    return last_logits(plain, as_tensor(model, tokens), count)


def _check_faster(model: LanguageModel, tokens: np.ndarray, expected: Tensor) -> None:
    given, half = as_tensor(model, tokens), tokens.shape[1] // 2
    if model.ending is not None and not _same(expected[:, half:], last_logits(model, given, tokens.shape[1] - half)):
        raise InvalidData(f"{model.name}: `ending` gives other logits than `logits`. Correct it, or leave it out.")
    if model.hidden is not None:
        found, states = model.hidden(given, tokens.shape[1] - half)
        if not _same(expected[:, half:], found.float()) or states.shape[:2] != found.shape[:2] or states.ndim != 3:
            raise InvalidData(
                f"{model.name}: `hidden` gives other logits than `logits`, or states that are not [sequence, token, width]. Correct it, or leave it out."
            )
    if model.reading is not None:
        _, cache = model.reading(given[:, :half], 1, None)
        swapped = cache.rows(torch.tensor([1, 0], device=given.device))
        for which, rows in ((cache, [0, 1]), (swapped, [1, 0]), (cache, [0, 1])):  # reading on must not change a cache
            found, _ = model.reading(given[rows, half:], tokens.shape[1] - half, which)
            if not _same(expected[rows, half:], found.float()):
                raise InvalidData(
                    f"{model.name}: `reading` gives other logits than `logits`. Correct it, or leave it out."
                )


def _same(one: Tensor, other: Tensor) -> bool:
    known = torch.isfinite(one)
    if one.shape != other.shape or not torch.equal(known, torch.isfinite(other)):
        return False
    scale = max(1.0, float(one[known].abs().max())) if bool(known.any()) else 1.0
    return bool(((one[known] - other[known]).abs() <= TOLERANCE * scale).all())
