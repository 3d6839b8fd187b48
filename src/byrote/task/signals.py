"""Signals: what a knob may depend on while a model trains."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Signals:
    """What is known of one run before an update: how far it is, and what its sensor canaries say.

    `progress` is the share of all updates that are done, from 0 to 1, `epoch` the pass that is under way, from 1, and
    `update` the number of updates done in this epoch. `canaries` are means over the canaries that are sensors, from the
    last clean pass of this run: `NAME_in` of those it trains on and `NAME_out` of the others, for `loss` and for the
    objective's outcome. Empty before the first clean pass, and without canaries. The other half of the canaries, which
    verifies, is never in here: a controller must not see what judges it.
    """

    progress: float
    epoch: int = 1
    update: int = 0
    canaries: Mapping[str, float] = field(default_factory=dict[str, float])


@runtime_checkable
class Controller(Protocol):
    """A knob that reads signals, as a value: a run that is trained again must see it do the same again."""

    def __call__(self, signals: Signals) -> float:
        """Return the value of the knob for the next update."""
        ...

    def __str__(self) -> str: ...
