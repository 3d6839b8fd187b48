"""Examples as tensors on a device. Inputs may be one tensor, or a dict or tuple of them."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray
from torch import Tensor

from byrote.objectives import Objective
from byrote.record import Inputs, Population
from byrote.record.inputs import each, is_picture, parts, rows


def to_tensors(
    population: Population,
    objective: Objective,
    device: str,
    which: slice | Int[ndarray, " example"] = slice(None),
) -> tuple[Any, Tensor]:
    """Return inputs as a model reads them, and targets as the objective reads them, on the device."""
    inputs = as_read(rows(population.inputs, which), device)
    return inputs, objective.to_tensor(population.labels[which]).to(device)


def as_read(inputs: Inputs, device: str) -> Any:
    """Return inputs as a model reads them, on the device."""
    return each(lambda part: _tensor(part, device), inputs)


def _tensor(part: NDArray[Any], device: str) -> Tensor:
    """Return byte pictures divided by 255, whole numbers as int64, real numbers as float32, and bool as it is."""
    tensor = torch.from_numpy(np.ascontiguousarray(part)).to(device)
    if is_picture(part):
        return tensor.float().div_(255)
    if part.dtype.kind in "iu":
        return tensor.long()
    return tensor if part.dtype.kind == "b" else tensor.float()


def device_of(inputs: Any) -> torch.device:
    """Return where inputs are."""
    return first(inputs).device


def first(inputs: Any) -> Tensor:
    """Return the first tensor of the inputs."""
    return next(iter(parts(inputs).values()))


def take(inputs: Any, which: Tensor) -> Any:
    """Return the inputs of these examples."""
    return each(lambda part: part.index_select(0, which), inputs)


def side_by_side(inputs: Any, size: int) -> Any:
    """Return `[run, example, ...]` from runs of `size` examples that lie one after the other."""
    return each(lambda part: part.unflatten(0, (-1, size)), inputs)


def copied(inputs: Any) -> Any:
    """Return a copy, for a model that may change its inputs in place."""
    return each(lambda part: part.clone(), inputs)
