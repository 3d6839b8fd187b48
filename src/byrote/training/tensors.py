"""Examples as tensors on a device."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from torch import Tensor

from byrote.record import Population

if TYPE_CHECKING:
    pass


def to_tensors(
    population: Population, device: str, which: slice | Int[ndarray, " example"] = slice(None)
) -> tuple[Tensor, Tensor]:
    """Return inputs as float32 (uint8 is divided by 255) and labels, on the device."""
    inputs = torch.from_numpy(np.ascontiguousarray(population.inputs[which])).to(device)
    inputs = inputs.float().div_(255) if inputs.dtype == torch.uint8 else inputs.float()
    return inputs, torch.from_numpy(population.labels[which]).to(device)
