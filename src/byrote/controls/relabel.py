"""Relabel: chosen training examples get other labels, or other targets."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from byrote.controls._examples import TRAIN, DataControl, named
from byrote.errors import InvalidData
from byrote.task.apply_labels import apply_labels, count_fixes
from byrote.task.task import Task

logger = logging.getLogger("byrote")

Fix = tuple[str, Any]


@dataclass(frozen=True, init=False)
class relabel(DataControl):
    """Gives training examples the labels of a fixes file, or of a mapping from ids to labels: `{"7": 2}`.

    The file is one that `byrote relabel` wrote and you reviewed: rows whose `is_label_issue` is True are applied. Ids of a
    mapping are those of the task, or of its record (`train/7`). A wrong label that is mended must no longer be learned by
    heart; where a label was right, this makes one that must. No fixes: no change. Fixes that change no label are said in the
    log. Compare memorization of the other examples: that of the fixed ones is about another label now.
    """

    fixes: str | tuple[Fix, ...]
    name: ClassVar[str] = "relabel"
    zero: ClassVar[float | None] = None

    def __init__(self, fixes: str | Path | Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> None:
        object.__setattr__(self, "fixes", str(fixes) if isinstance(fixes, str | Path) else _pairs(fixes))

    @property
    def is_zero(self) -> bool:
        """Whether there are no fixes."""
        return not self.fixes

    def change(self, task: Task) -> Task:
        """Return the task with other labels; raise InvalidData for unknown ids, and for labels that the task cannot have."""
        if isinstance(self.fixes, str):
            try:
                labels = apply_labels(task.train.labels, task.train.ids.tolist(), self.fixes)
                of_test = count_fixes(self.fixes, split="test")
            except (OSError, UnicodeDecodeError) as error:
                raise InvalidData(
                    f"relabel cannot read fixes from {self.fixes!r} ({type(error).__name__}). Give the path of a file that `byrote relabel` wrote, or a mapping."
                ) from None
        else:
            labels, of_test = self._changed(task), 0
        if of_test:
            logger.warning(
                f"relabel changes training labels only: {of_test} of the fixes of {self.fixes} are of test examples, on which accuracy is measured with the labels that they have."
            )
        if np.array_equal(labels, task.train.labels):
            which = "the mapping gives each example the label that it has"
            if isinstance(self.fixes, str):
                which = f"{self.fixes} has no training example to be changed. Its rows are applied where is_label_issue (or is_target_issue) is True and is_beyond_noise is not False"
            logger.warning(f"relabel changes no label of {task.name!r}: {which}.")
        return replace(task, train=task.train.with_labels(labels))

    def _changed(self, task: Task) -> NDArray[Any]:
        """Return the labels with those of the mapping."""
        named(self, task, tuple(name for name, _ in self.fixes))  # all are known
        where = {str(name): at for at, name in enumerate(task.train.ids)}
        labels = np.array(task.train.labels)
        for name, label in cast("tuple[Fix, ...]", self.fixes):
            at = where.get(name, where.get(name.removeprefix(TRAIN), -1))
            try:
                new = np.asarray(label, np.float64)
            except (TypeError, ValueError):
                new = np.full((), np.nan)
            wrong = labels.dtype.kind != "f" and (new != np.floor(new)).any()
            if new.shape != labels[at].shape or not np.isfinite(new).all() or wrong:
                raise InvalidData(
                    f"relabel gives {name!r} the label {label!r}, and labels of {task.name!r} are like {labels[at].tolist()!r}. Give one like that."
                )
            labels[at] = new
        return labels


def _pairs(fixes: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> tuple[Fix, ...]:
    """Return ids and labels in pairs, as plain Python values; raise InvalidData for what are none, and ids that come twice."""
    try:
        entries = [(name, label) for name, label in (fixes.items() if isinstance(fixes, Mapping) else fixes)]
    except (TypeError, ValueError):
        raise InvalidData(
            f"relabel got {fixes!r}. Give a mapping from ids to labels, or the path of a file that `byrote relabel` wrote."
        ) from None
    pairs = tuple((str(name), _plain(label)) for name, label in entries)
    if len(dict(pairs)) < len(pairs):
        raise InvalidData("relabel got an id twice. Give each example one label.")
    return pairs


def _plain(label: Any) -> Any:
    """Return a label as a number, or as a tuple of numbers, whatever kind of array it came in."""
    value = label.tolist() if hasattr(label, "tolist") else label
    return tuple(value) if isinstance(value, list) else value
