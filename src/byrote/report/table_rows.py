"""Rows of a table beside their neighbours, with the usual range of every column: what is unusual, and what differs."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.record import Population
from byrote.record.cells import Cell
from byrote.report.table_columns import table_column

COLUMNS = 40
"""Columns of a row that are shown at most: those in which it is most unusual, in the order of the table."""

GLANCE = 3
"""Columns on a card: the most unusual ones."""


class TableRows:
    """The columns of a table, measured on its real training examples; see `table_column` for what is usual.

    Where the population says how its columns are read (`Display.cells`), these are shown, with words and dates; else each
    column of the inputs as a number.
    """

    def __init__(self, population: Population) -> None:
        self._inputs: Float[ndarray, "example column"] = population.inputs
        train = self._inputs[population.where("train")]
        train = train if len(train) else self._inputs
        self._cells = cells_of(population)
        self._columns = [table_column(cell, cell.values(train)) for cell in self._cells]
        self.names = [column.name for column in self._columns]
        self.usual = [column.usual for column in self._columns]

    def glance(self, position: int) -> list[list[str]]:
        """Return the most unusual columns of an example, the most unusual first: name, value, mark, and usual range."""
        values = self._values(position)
        return [
            [self.names[at], column.text(values[at]), column.mark(values[at]), column.usual]
            for at in self._most_unusual(values)[:GLANCE]
            for column in (self._columns[at],)
        ]

    def unusual(self, position: int) -> list[list[str]]:
        """Return those of `glance` that are unusual: marked high, low or rare. Often there is none."""
        return [each for each in self.glance(position) if each[2]]

    def beside(self, position: int, others: list[int]) -> dict[str, Any]:
        """Return a row with those of others, column by column: `[column, [[value, mark], ...]]`, its own value first.

        Marks are `high`, `low` and `rare` (unusual) for the example itself, and `differs` for others.
        """
        values, near = self._values(position), [self._values(other) for other in others]
        shown = sorted(self._most_unusual(values)[:COLUMNS])
        rows: list[Any] = []
        for at in shown:
            column, value = self._columns[at], values[at]
            cells = [[column.text(value), column.mark(value)]]
            cells += [[column.text(row[at]), "differs" if column.differ(value, row[at]) else ""] for row in near]
            rows.append([at, cells])
        return {"rows": rows, "left": len(values) - len(shown)}

    def _values(self, position: int) -> list[float]:
        row = self._inputs[position : position + 1]
        return [float(cell.values(row)[0]) for cell in self._cells]

    def _most_unusual(self, values: list[float]) -> list[int]:
        away = np.array([column.away(value) for column, value in zip(self._columns, values, strict=True)])
        return np.argsort(-away, kind="stable").tolist()


def cells_of(population: Population) -> tuple[Cell, ...]:
    """Return the columns of a table as people know them; of one that was given as numbers, each column of the inputs."""
    names = population.display.columns
    plain = (Cell(names[at] if names else f"column {at}", "number", at) for at in range(population.inputs.shape[1]))
    return population.display.cells or tuple(plain)
