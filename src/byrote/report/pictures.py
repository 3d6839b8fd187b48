"""Pictures of examples for the page: each once, as data, within a budget of bytes."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.record import Population

BUDGET = 1_600_000
"""Characters of picture data in one page. Pictures are taken in the order in which they are added, as long as they fit."""

SMALLER = 64
"""Pictures with a longer side than this are shrunk to it."""

FEATURES = 12
"""Features of a vector that are shown: those farthest from the mean of the training examples."""


class Album:
    """Collects what examples look like while the page is put together; one per page."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._left = BUDGET
        self.pictures: dict[str, str] = {}
        self.features: dict[str, list[list[float]]] = {}
        self.left_out: set[str] = set()
        inputs = population.inputs
        self.has_pictures = inputs.dtype == np.uint8 and inputs.ndim in (3, 4)
        self.has_vectors = not self.has_pictures and inputs.ndim == 2 and inputs.shape[1] > 0
        train = population.where("train")
        if self.has_vectors and train.any():
            self._mean = inputs[train].mean(axis=0)
            spread = inputs[train].std(axis=0)
            self._spread = np.where(spread > 0, spread, 1)

    def add(self, position: int) -> None:
        """Take an example in, if the budget allows."""
        name = str(self._population.ids[position])
        if self.has_vectors:
            self.features.setdefault(name, self._features(position))
        if not self.has_pictures or name in self.pictures or name in self.left_out:
            return
        picture = _data(self._population.inputs[position])
        if len(picture) > self._left:
            self.left_out.add(name)
            return
        self._left -= len(picture)
        self.pictures[name] = picture

    def _features(self, position: int) -> list[list[float]]:
        values = self._population.inputs[position].astype(np.float64)
        away = (values - self._mean) / self._spread
        shown = np.sort(np.argsort(-np.abs(away), kind="stable")[:FEATURES])
        return [[int(at), round(float(values[at]), 4), round(float(away[at]), 2)] for at in shown]


def _data(image: NDArray[Any]) -> str:
    from PIL import Image

    drawn = Image.fromarray(np.ascontiguousarray(image if image.ndim == 2 else image.transpose(1, 2, 0)))
    if max(drawn.size) > SMALLER:
        drawn.thumbnail((SMALLER, SMALLER))
    buffer = io.BytesIO()
    drawn.save(buffer, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
