"""Least recently used access to a memory matrix (Santoro et al. 2016, arXiv:1605.06065, section 3.2)."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def read_weights(
    keys: Float[Tensor, "*batch head width"],
    memory: Float[Tensor, "*batch slot width"],
    sharpness: Float[Tensor, "*batch head"],
) -> Float[Tensor, "*batch head slot"]:
    """Softmax over slots of sharpness x cosine; the weights of a head add up to 1.

    The paper has a sharpness of 1, with which weights are nearly even over 128 slots; neural Turing machines learn it (Graves et
    al. 2014, arXiv:1410.5401, equation 5).
    """
    cosine = functional.normalize(keys, dim=-1) @ functional.normalize(memory, dim=-1).transpose(-1, -2)
    return (sharpness[..., None] * cosine).softmax(-1)


def least_used(usage: Float[Tensor, "*batch slot"], count: int) -> Float[Tensor, "*batch slot"]:
    """1 at the `count` slots with the smallest usage, 0 elsewhere; of equal ones the first."""
    slots = usage.argsort(dim=-1, stable=True)[..., :count]
    return torch.zeros_like(usage).scatter(-1, slots, 1.0)


def write_weights(
    gate: Float[Tensor, "*batch head"], read: Float[Tensor, "*batch head slot"], least: Float[Tensor, "*batch slot"]
) -> Float[Tensor, "*batch head slot"]:
    """Where each head writes: gate x where it read before + (1 - gate) x the least used slots."""
    return gate[..., None] * read + (1 - gate[..., None]) * least[..., None, :]


def next_usage(
    usage: Float[Tensor, "*batch slot"],
    read: Float[Tensor, "*batch head slot"],
    write: Float[Tensor, "*batch head slot"],
    *,
    decay: float = 0.95,
) -> Float[Tensor, "*batch slot"]:
    """Usage after a step: decay x usage + what was read + what was written: high is used lately or often."""
    return decay * usage + read.sum(-2) + write.sum(-2)


def written(
    memory: Float[Tensor, "*batch slot width"],
    keys: Float[Tensor, "*batch head width"],
    write: Float[Tensor, "*batch head slot"],
    erased: Float[Tensor, "*batch slot"],
) -> Float[Tensor, "*batch slot width"]:
    """The memory after the slots `erased` were set to 0 and each head added its key by its weights."""
    return memory * (1 - erased[..., None]) + write.transpose(-1, -2) @ keys
