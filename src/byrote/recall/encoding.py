"""Encoding: the keys of examples, by a layer of a network, by any function, or the examples themselves."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from torch import nn

from byrote.errors import InvalidData
from byrote.probes.embedding import embedding

Encoder = nn.Module | Callable[[Any], Any]
"""A network, or a function of a batch of inputs that returns one row of numbers for each."""


def encode(
    inputs: Any, encoder: Encoder | None = None, *, layer: str | None = None, batch_size: int = 256
) -> Float32[ndarray, "example width"]:
    """Return a key for each example, as a row of numbers of 32 bits: what a memory stores and looks up.

    `encoder` is a network: then keys are the inputs of its `layer`, by default of its last linear layer (see
    `byrote.probes.embedding`); or a function of a batch, such as the encoder of another package; or None: keys are the
    inputs themselves, flattened. Batches of `batch_size` are encoded one after another; beside the keys no more than one batch
    is held. Raises InvalidData where an encoder returns another number of rows, rows of changing width, or no numbers.
    """
    if batch_size < 1:
        raise InvalidData(f"Batches of {batch_size} examples encode nothing. Give 1 or more.")
    count = len(inputs)
    keys: ndarray | None = None
    for start in range(0, count, batch_size):
        some = _rows(_encoded(inputs[start : start + batch_size], encoder, layer), min(batch_size, count - start))
        if keys is None:
            keys = np.empty((count, some.shape[1]), np.float32)
        if some.shape[1] != keys.shape[1]:
            raise InvalidData(
                f"The encoder returned keys of {keys.shape[1]} numbers, and then of {some.shape[1]}. Keys have one width."
            )
        keys[start : start + len(some)] = some
    return np.zeros((0, 0), np.float32) if keys is None else keys


def _encoded(batch: Any, encoder: Encoder | None, layer: str | None) -> Any:
    if encoder is None:
        return batch
    if not isinstance(encoder, nn.Module):
        return encoder(batch)
    first = next(encoder.parameters(), None)
    given = torch.as_tensor(batch)
    return embedding(encoder, given if first is None else given.to(first.device), layer=layer, batch_size=len(given))


def _rows(encoded: Any, count: int) -> ndarray:
    found: Any = np.asarray(encoded.detach().float().cpu() if hasattr(encoded, "detach") else encoded)
    if found.ndim < 1 or len(found) != count or found.dtype.kind not in "fiub":
        raise InvalidData(
            f"The encoder returned {found.dtype} of the shape {list(found.shape)} for {count} examples. It has to return a row of numbers for each."
        )
    return found.reshape(count, -1)
