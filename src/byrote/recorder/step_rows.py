"""Step rows: what a loop has recorded since its last step, kept as it came and reduced to rows when enough of it waits."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from byrote.errors import InvalidData
from byrote.objectives import Tokens
from byrote.recorder.batches import Batch, Rows, rows
from byrote.recorder.registry import Registry, Split

BUFFER_BYTES = 64 << 20
"""Bytes of outputs that wait for the end of the step; beyond it they are reduced early."""


class StepRows:
    """Batches of one step. The first one of all says how many outputs there are, if the `layout` does not know it yet."""

    def __init__(self, layout: Rows, classes: Sequence[str], registry: Registry) -> None:
        self.layout, self.classes, self.registry = layout, tuple(classes), registry
        self.device = "cpu"
        self._waiting: dict[tuple[Split, bool], list[Batch]] = {}
        self._waiting_bytes = 0
        self._reduced: list[pa.RecordBatch] = []

    def add(self, split: Split, seen: bool, given: Batch) -> None:
        """Keep a batch; raise InvalidData when it has another number of outputs than those before."""
        self._check_width(given)
        self._waiting.setdefault((split, seen), []).append(given)
        self._waiting_bytes += given.outputs.nbytes
        if self._waiting_bytes > BUFFER_BYTES or given.outputs.ndim > 2:
            self._reduce()

    def add_rows(self, other: pa.RecordBatch) -> None:
        """Keep rows that another process has reduced; raise InvalidData where a label differs from the one that is known."""
        self.registry.add(other["example"].to_pylist(), self.layout.read_labels(other))
        self._reduced.append(other)

    def take_rows(self) -> list[pa.RecordBatch]:
        """Return everything as rows, and begin anew; raise InvalidData for labels and outputs that cannot be used."""
        self._reduce()
        taken, self._reduced = self._reduced, []
        return taken

    def _check_width(self, given: Batch) -> None:
        objective, count = self.layout.objective, given.outputs.shape[-1]
        if isinstance(objective, Tokens):
            if objective.vocabulary not in (0, count):
                raise InvalidData(
                    f"These outputs have {count} logits at each place, and the record a vocabulary of {objective.vocabulary}. Give one logit for each token id."
                )
            self.layout = Rows(replace(objective, vocabulary=count), given.labels.shape[1])
            return
        if objective.name == "classification" and count == 1:
            count = 2  # a single logit, of the second of two classes
        if not self.classes:
            self.classes = tuple(str(i) for i in range(count))
        if count != len(self.classes):
            what = "logit for each class" if objective.name == "classification" else "output for each"
            raise InvalidData(
                f"These outputs have {count} columns, but the record has {len(self.classes)} classes. Give one {what}."
            )
        if objective.outputs != count:
            objective = objective.fitted(np.zeros((1, count)), count)
        width = given.labels.shape[1] if given.labels.ndim == 2 else 0
        self.layout = Rows(objective, width)

    def _reduce(self) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, {}, 0
        for (split, seen), batches in waiting.items():
            self._reduced.append(rows(batches, split, seen, self.registry, self.layout))
            self.device = str(batches[0].outputs.device)
