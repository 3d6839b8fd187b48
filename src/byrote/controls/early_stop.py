"""Early stop: the training of a run ends when a rule says so (Prechelt, 1998, Early Stopping - But When?)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from byrote.controls.control import MethodControl, check_classes, check_count
from byrote.errors import unknown
from byrote.task.methods import Progressed, StoppingRule
from byrote.task.task import Task

PATIENCE = {"validation": 3, "label_wave": 1, "weight_norm": 1}
"""How many epochs each rule waits for a better one."""

WINDOW = 3
"""Over how many epochs label_wave averages the share of changed predictions."""


@dataclass(frozen=True)
class early_stop(MethodControl, StoppingRule):
    """Ends the training of each run by itself, from what it says after each epoch; its weights stay as they are then.

    `rule` says what is to have been lowest `patience` epochs ago, and to be higher now. "validation" (3): the mean loss of the
    ordinary sensor canaries that the run does not train on; few, so the rule is noisy, and without canaries it never stops.
    "label_wave" (1): the share of training predictions that changed since the epoch before, averaged over 3 epochs
    (arXiv:2502.07551; classes only). "weight_norm" (1): minus the norm of the weights, so that the norm's first fall ends it
    (OpenReview jeTiBeW3iZ). It does not go back to the best epoch: it ends that many epochs after it. In the record,
    `early_stop` is 1 from the epoch on that the run ended with.

    Patterns are learned before noise, so what is memorized last is saved; what is rare is learned late too and is lost.
    It misleads where loss and accuracy go apart, where a learning-rate schedule moves the series (a rate near 0 changes no
    predictions, weight decay lowers the norm from the start), and where training is too short to reach the minimum. Runs
    that have ended still take time within a pack, until all have.
    """

    rule: str
    patience: int | None = None
    name: ClassVar[str] = "early_stop"
    zero: ClassVar[float | None] = None  # pyright: ignore[reportIncompatibleVariableOverride]
    strengths: ClassVar[tuple[Any, ...]] = tuple(PATIENCE)

    def __post_init__(self) -> None:
        if self.rule not in PATIENCE:
            raise unknown("rule of early_stop", str(self.rule), PATIENCE)
        if self.patience is not None:
            check_count(self, "patience", self.patience)

    def check(self, task: Task) -> None:
        """Raise InvalidData when the rule looks at predicted classes, and the task has none."""
        if self.rule == "label_wave":
            check_classes(self, task)

    def stops(self, history: Sequence[Progressed]) -> bool:
        """Return whether the lowest value is `patience` epochs old and the last one higher; a NaN never stops a run."""
        series = self._series(history)
        if np.isnan(series[-1]) or np.isnan(series).all():
            return False
        lowest = int(np.nanargmin(series))
        waited = len(series) - 1 - lowest
        return bool(series[-1] > series[lowest]) and waited >= (self.patience or PATIENCE[self.rule])

    def _series(self, history: Sequence[Progressed]) -> NDArray[np.float64]:
        if self.rule == "validation":
            return np.array([each.held_out_loss for each in history])
        if self.rule == "weight_norm":
            return -np.array([each.weight_norm for each in history])
        changes = np.array([np.nan] * (WINDOW - 1) + [each.changes for each in history])
        return np.lib.stride_tricks.sliding_window_view(changes, WINDOW).mean(axis=1)
