"""Sampling: how tokens are drawn from logits, and how probable a token then is."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from byrote.errors import InvalidData

FIRST_LOOK = 512
"""How many of the largest logits are sorted first: the nucleus of most places is smaller."""


@dataclass(frozen=True)
class Sampling:
    """Temperature, then the `top_k` largest logits, then the fewest of the largest that hold `top_p` of the probability.

    The order is that of transformers' `generate`. Of logits that are equal at the border all are kept. None leaves a step
    out. Raises InvalidData for a temperature that is not above 0, a `top_k` below 1, and a `top_p` outside (0, 1].
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise InvalidData(f"temperature={self.temperature}: give a number above 0. Greedy text is another measure.")
        if self.top_k is not None and self.top_k < 1:
            raise InvalidData(f"top_k={self.top_k}: give a whole number of 1 or more, or None.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InvalidData(f"top_p={self.top_p}: give a share above 0 and up to 1, or None.")

    def __str__(self) -> str:
        parts = [f"temperature={self.temperature:g}"]
        parts += [f"top_k={self.top_k}"] if self.top_k is not None else []
        parts += [f"top_p={self.top_p:g}"] if self.top_p is not None else []
        return ", ".join(parts)

    @property
    def plain(self) -> bool:
        """Whether tokens are drawn with the model's own probabilities."""
        return self.temperature == 1 and self.top_k is None and self.top_p in (None, 1)


def log_probabilities(logits: Float[Tensor, "row vocabulary"], sampling: Sampling) -> Float[Tensor, "row vocabulary"]:
    """Return the log-probability of every token under a scheme, in nats; -inf where the scheme never draws it."""
    scaled = logits / sampling.temperature
    threshold = _threshold(scaled, sampling)
    if threshold is not None:
        scaled = scaled.masked_fill(scaled < threshold, float("-inf"))
    return torch.log_softmax(scaled, -1)


def log_probability_of(
    logits: Float[Tensor, "row vocabulary"], tokens: Int[Tensor, " row"], sampling: Sampling
) -> Float[Tensor, " row"]:
    """Return the log-probability of one token per row under a scheme, in nats; -inf where the scheme never draws it."""
    return log_probabilities(logits, sampling).gather(-1, tokens[:, None])[:, 0]


def _threshold(scaled: Float[Tensor, "row vocabulary"], sampling: Sampling) -> Float[Tensor, "row 1"] | None:
    """Return the smallest logit of each row that is kept; None where all are."""
    size = scaled.shape[-1]
    k = min(size, sampling.top_k or size)
    if sampling.top_p is None or sampling.top_p == 1:
        return None if k == size else scaled.topk(k, -1).values[:, -1:]
    looked = min(k, FIRST_LOOK)
    while True:
        largest = scaled.topk(looked, -1).values
        if k < size:
            # What top-k leaves has the probability 1. Equal logits at its border are kept by it, and counted here.
            border = scaled.topk(k, -1).values[:, -1:]
            whole = scaled.masked_fill(scaled < border, float("-inf")).logsumexp(-1, keepdim=True)
        else:
            whole = scaled.logsumexp(-1, keepdim=True)
        mass = (largest - whole).exp().cumsum(-1)
        if looked == k or bool((mass[:, -1] >= sampling.top_p).all()):
            break
        looked = min(k, 8 * looked)
    before = torch.cat([torch.zeros_like(mass[:, :1]), mass[:, :-1]], -1)
    last = (before < sampling.top_p).sum(-1, keepdim=True) - 1
    return largest.gather(-1, last)
