"""Drop: chosen training examples are never learned from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from byrote.controls._examples import DataControl, as_ids, named, without
from byrote.task.task import Task


@dataclass(frozen=True, init=False)
class drop(DataControl):
    """Leaves training examples out of all runs: those with these `ids`, or those in a file (a path).

    Ids are those of the task, or of its record (`train/7`). A file has one in each line, or is a CSV file with a column
    `example` or `id`. Where a column `is_label_issue` (or `is_target_issue`) says which rows are issues, as in the file that
    `byrote relabel` writes, only these are dropped, and the log says how many. What is dropped stays in the record as examples
    that no run was trained on, and designs and canaries are as without it: a canary that is a copy of a dropped example is
    still learned in half of the runs. No ids: no change. What is dropped is memorized no more, and then others are that were
    safe before (Carlini et al., 2022, the privacy onion effect, arXiv:2206.10469): look at the whole.
    `byrote.evidence.drop_by` chooses ids by a score.
    """

    ids: str | tuple[str, ...]
    name: ClassVar[str] = "drop"
    zero: ClassVar[float | None] = None

    def __init__(self, ids: str | Path | Iterable[object]) -> None:
        object.__setattr__(self, "ids", as_ids(self, ids))

    @property
    def is_zero(self) -> bool:
        """Whether there are no ids."""
        return not self.ids

    def change(self, task: Task) -> Task:
        """Return the task that leaves these examples out; raise InvalidData for unknown ids, and where none is left."""
        return without(self, task, named(self, task, self.ids))
