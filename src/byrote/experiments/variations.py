"""Variations: inputs changed slightly, by stated amounts, to see what is left of what a model recalls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from byrote.controls import augment

Kind = Literal["noise", "shift", "cells"]

NOISE = (0.1, 0.3, 1.0)
"""Gaussian noise, in standard deviations: of each column of a table, of all values of other inputs."""

SHIFT = (0.25, 0.5, 1.0)
"""Strengths of `augment(crop)`: pictures are moved by up to 1/8 of their size at 1."""

CELLS = (1, 2, 4)
"""Cells of a row (tokens of a text) that get the value of another example at the same place."""


@dataclass(frozen=True)
class Variation:
    """A slight change of inputs: its kind and its size, in the unit that the lists above state."""

    kind: Kind
    size: float

    def __str__(self) -> str:
        if self.kind == "noise":
            return f"noise of {self.size:g} standard deviations"
        if self.kind == "shift":
            return f"moved by up to {12.5 * self.size:.2g} % of the size"
        return f"{self.size:g} changed cell{'' if self.size == 1 else 's'}"


def variations(inputs: Any, kind: str) -> tuple[Variation, ...]:
    """Return the variations that suit these inputs, as a model reads them; none of several inputs at once.

    `kind` is that of the data: "picture", "table", "signal", "text" or "".
    """
    if not isinstance(inputs, Tensor):
        return ()
    found: list[Variation] = []
    if inputs.is_floating_point():
        found += [Variation("noise", size) for size in NOISE]
    if kind == "picture":
        found += [Variation("shift", size) for size in SHIFT]
    if inputs.ndim == 2 and kind != "signal":
        found += [Variation("cells", size) for size in CELLS if size <= inputs.shape[1]]
    return tuple(found)


def varied(inputs: Tensor, like: Tensor, variation: Variation, seed: int) -> Tensor:
    """Return the inputs `[example, ...]`, changed; all that is random comes from `seed`.

    `like` are inputs of the same kind, which say how much they vary and what else a cell may hold.
    """
    source = torch.Generator().manual_seed(seed)
    if variation.kind == "noise":
        spread = like.std(0, correction=0) if like.ndim == 2 else like.std(correction=0)
        return inputs + variation.size * spread * torch.randn(inputs.shape, generator=source)
    if variation.kind == "shift":
        return augment("crop").transform(inputs, variation.size, seed)
    return _other_cells(inputs, like, int(variation.size), source)


def _other_cells(inputs: Tensor, like: Tensor, count: int, source: torch.Generator) -> Tensor:
    """Return rows in which `count` random cells have the value of a random row of `like` that differs there, where one does."""
    places = torch.rand(inputs.shape, generator=source).argsort(1)[:, :count]
    found = inputs.clone()
    for row, own in enumerate(places.tolist()):
        for place in own:
            others = like[like[:, place] != inputs[row, place], place]
            if len(others):
                found[row, place] = others[int(torch.randint(len(others), (1,), generator=source))]
    return found


def kinds_of(found: Sequence[Variation]) -> tuple[Kind, ...]:
    """Return the kinds of these variations, each once, in their order."""
    return tuple(dict.fromkeys(each.kind for each in found))
