"""Inputs: what a model reads of examples. One array, or several: a dict or a tuple of arrays, one row per example in each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = NDArray[Any] | dict[str, NDArray[Any]] | tuple[NDArray[Any], ...]
"""What a model reads of examples: one array, or several in a dict or a tuple, with one row per example in each."""


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
    return are_one_real(kinds(inputs))


@dataclass(frozen=True)
class InputKind:
    """How one input of an example reaches a model, as record.json holds it: its name, type and shape.

    `name` is "" where there is one input without a name. `divided_by` is 255 for byte pictures, and 1 otherwise.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    divided_by: int

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "InputKind":
        """Read it back from its `values`."""
        shape = tuple(map(int, values["shape"]))
        return cls(str(values["name"]), str(np.dtype(values["dtype"])), shape, int(values["divided_by"]))

    def values(self) -> dict[str, Any]:
        """Return it as it stands in record.json."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape), "divided_by": self.divided_by}

    def __str__(self) -> str:
        what = f"{self.name}: {self.dtype}" if self.name else self.dtype
        return f"{what} {list(self.shape)}, {'as given' if self.divided_by == 1 else f'divided by {self.divided_by}'}"

    @property
    def is_real(self) -> bool:
        """Whether a model reads it as real numbers."""
        return self.divided_by != 1 or np.dtype(self.dtype).kind == "f"


def kinds(inputs: Inputs) -> tuple[InputKind, ...]:
    """Return how each of the inputs reaches a model."""
    return tuple(
        InputKind(name, str(part.dtype), part.shape[1:], 255 if is_picture(part) else 1)
        for name, part in parts(inputs).items()
    )


def are_one_real(inputs: Sequence[InputKind]) -> bool:
    """Return whether these are one array of real numbers."""
    return [each.name for each in inputs] == [""] and inputs[0].is_real


def describe(inputs: Sequence[InputKind]) -> str:
    """Return how the inputs reach a model, for people: `uint8 [28, 28], divided by 255`."""
    return "; ".join(map(str, inputs))
