"""Looks: what examples look like in a table: the stored picture, a few values of a row, a line, or the beginning of a text."""

from functools import cached_property
from typing import Any

import pyarrow as pa

from byrote.record import Record, read_pictures
from byrote.report.lines import Lines
from byrote.report.table_rows import TableRows

BEGINNING = 220
"""Characters of a text in a table."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class RowLooks:
    """What the examples of one record look like. Nothing is read before it is asked for, and no picture is decoded."""

    def __init__(self, record: Record) -> None:
        self._record, self._population = record, record.population

    @cached_property
    def kind(self) -> str:
        """The kind of data: picture, table, signal or text; empty where nothing of the inputs was kept."""
        known = self._population.display.kind
        if known == "text" or self._population.texts is not None:
            return "text"
        return known or ("picture" if len(self._pictures) and self.picture(0) else "")

    def picture(self, at: int) -> bytes | None:
        """Return the PNG of an example; None where there is none."""
        found = self._pictures[at].as_py()
        return found if found is not None and found.startswith(SIGNATURE) else None

    def of(self, at: int) -> Any:
        """Return what stands in a row: unusual values of a table, lines of a signal, a text; None for pictures."""
        if self.kind == "text" and self._population.texts is not None:
            return self._population.texts[at][:BEGINNING]
        if self.kind == "table" and self._has_vectors:
            return self._table.glance(at)
        if self.kind == "signal" and self._has_vectors:
            return self._lines.of(at)
        return None

    @property
    def about_lines(self) -> dict[str, Any] | None:
        """The scale and the channels of signals; None where there are none."""
        return self._lines.about if self.kind == "signal" and self._has_vectors else None

    @cached_property
    def _pictures(self) -> pa.ChunkedArray:
        return read_pictures(self._record.directory, len(self._population))

    @cached_property
    def _has_vectors(self) -> bool:
        inputs = self._population.inputs
        return inputs.ndim == 2 and inputs.shape[1] > 0

    @cached_property
    def _table(self) -> TableRows:
        return TableRows(self._population)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self._population)
