"""Inputs: what a model reads of examples. One array, or several: a dict or a tuple of arrays, one row per example in each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = NDArray[Any] | dict[str, NDArray[Any]] | tuple[NDArray[Any], ...]


def parts(inputs: Any) -> dict[str, Any]:
    """Return the arrays (or tensors) by name: those of a tuple are numbered, a single one has no name."""
    if isinstance(inputs, dict):
        return {str(name): part for name, part in inputs.items()}
    return {str(i): part for i, part in enumerate(inputs)} if isinstance(inputs, tuple) else {"": inputs}


def each(function: Callable[..., Any], *inputs: Any) -> Any:
    """Return inputs made part by part from one inputs, or several of the same layout."""
    first = inputs[0]
    if isinstance(first, dict):
        return {name: function(*(other[name] for other in inputs)) for name in first}
    if isinstance(first, tuple):
        return tuple(function(*same) for same in zip(*inputs, strict=True))
    return function(*inputs)


def rows(inputs: Any, which: Any) -> Any:
    """Return the inputs of these examples: positions, a mask or a slice."""
    return each(lambda part: part[which], inputs)


def joined(inputs: Sequence[Inputs]) -> Inputs:
    """Return the inputs of several sets of examples, one after the other."""
    return each(lambda *same: np.concatenate(same), *inputs)


def is_picture(part: NDArray[Any]) -> bool:
    """Return whether these are byte pictures, `[example, (channel,) height, width]`, which models read divided by 255."""
    return part.dtype == np.uint8 and part.ndim in (3, 4)


def is_real(part: NDArray[Any]) -> bool:
    """Return whether a model reads these as real numbers: they are floating-point, or byte pictures."""
    return part.dtype.kind == "f" or is_picture(part)


def is_one_real(inputs: Inputs) -> bool:
    """Return whether these inputs are one array of real numbers, which gradients can be followed to."""
    return not isinstance(inputs, dict | tuple) and is_real(inputs)


def describe(inputs: Inputs) -> str:
    """Return how the inputs reach a model, for the record: `uint8 [28, 28], divided by 255`."""
    texts: list[str] = []
    for name, part in parts(inputs).items():
        shape = f"{part.dtype} {list(part.shape[1:])}" if part.ndim > 1 else f"{part.dtype}"
        texts.append(f"{name}: {shape}" if name else shape)
        texts[-1] += ", divided by 255" if is_picture(part) else ", as given"
    return "; ".join(texts)
