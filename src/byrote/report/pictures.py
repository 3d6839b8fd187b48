"""What examples look like on the page: pictures, lines of signals and texts, each once, within a budget of bytes."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.record import Population
from byrote.record.display import guess_kind
from byrote.report.lines import Lines
from byrote.report.table_rows import TableRows

BUDGET = 1_600_000
"""Characters of such data in one page. They are taken in the order in which they are added, as long as they fit."""

SMALLER = 64
"""Pictures with a longer side than this are shrunk to it."""


class Album:
    """Collects what examples look like while the page is put together; one per page.

    `pictures`, `lines` (of signals) and `texts` are by id. `table` has the columns, where the examples are rows of one.
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        self._left = BUDGET
        self.pictures: dict[str, str] = {}
        self.lines: dict[str, dict[str, Any]] = {}
        self.texts: dict[str, str] = {}
        self.left_out: set[str] = set()
        inputs = population.inputs
        self.kind = population.display.kind or guess_kind(inputs)
        self.has_pictures = inputs.dtype == np.uint8 and inputs.ndim in (3, 4)
        has_vectors = not self.has_pictures and inputs.ndim == 2 and inputs.shape[1] > 0
        self.table = TableRows(population) if self.kind == "table" and has_vectors else None
        if self.kind == "table" and self.table is None:
            self.kind = ""  # nothing of the inputs was kept
        self._lines = Lines(population) if self.kind == "signal" and has_vectors else None

    @property
    def about_lines(self) -> dict[str, Any] | None:
        """The scale and the channels of signals; None where there are none."""
        return None if self._lines is None else self._lines.about

    def add(self, position: int) -> None:
        """Take an example in, if the budget allows."""
        name = str(self._population.ids[position])
        if name in self.left_out:
            return
        if (
            self.has_pictures
            and name not in self.pictures
            and self._pay(name, picture := _data(self._population.inputs[position]))
        ):
            self.pictures[name] = picture
        if (
            self._lines is not None
            and name not in self.lines
            and self._pay(name, str(lines := self._lines.of(position)).replace(" ", ""))
        ):
            self.lines[name] = lines
        texts = self._population.texts
        if texts is not None and name not in self.texts and self._pay(name, texts[position]):
            self.texts[name] = texts[position]

    def _pay(self, name: str, data: str) -> bool:
        """Take what this costs from the budget; if it is too much, the example is left out."""
        if len(data) > self._left:
            self.left_out.add(name)
            return False
        self._left -= len(data)
        return True


def _data(image: NDArray[Any]) -> str:
    from PIL import Image

    drawn = Image.fromarray(np.ascontiguousarray(image if image.ndim == 2 else image.transpose(1, 2, 0)))
    if max(drawn.size) > SMALLER:
        drawn.thumbnail((SMALLER, SMALLER))
    buffer = io.BytesIO()
    drawn.save(buffer, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
