"""Signals: what a knob may depend on while a model trains."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Reading:
    """What the sensor canaries said of one run at one moment, and how the run was trained up to then.

    `epoch` is how many epochs were done, with fractions. `canaries` are means over the canaries that are sensors: `NAME_in`
    of those that this run trains on and `NAME_out` of the others, for `loss`, for the objective's outcome, and for `confidence`
    where the objective has it; and the same of one kind of canary as `KIND/NAME_in`. `counts` says over how many canaries:
    `in`, `out`, `KIND/in`, `KIND/out`. `loss` is the mean training loss since the reading before, and `knobs` are the values
    of the last update.
    """

    epoch: float
    canaries: Mapping[str, float]
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    loss: float = float("nan")
    knobs: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Signals:
    """What is known of one run before an update: how far it is, and what its sensor canaries say.

    `progress` is the share of all updates that are done, from 0 to 1, `epoch` the pass that is under way, from 1, and
    `update` the number of updates done in this epoch. `readings` are what the sensors said so far, the last one last: none
    before the first, and none without canaries. `canaries` are those of the last one. The other half of the canaries, which
    verifies, is never in here: a controller must not see what judges it.
    """

    progress: float
    epoch: int = 1
    update: int = 0
    readings: tuple[Reading, ...] = ()

    @property
    def canaries(self) -> Mapping[str, float]:
        """What the sensor canaries said last; empty before the first reading."""
        return self.readings[-1].canaries if self.readings else {}


@runtime_checkable
class Controller(Protocol):
    """A knob that reads signals, as a value: a run that is trained again must see it do the same again.

    It keeps no state: all that it needs of the past is in the readings.
    """

    def __call__(self, signals: Signals) -> float:
        """Return the value of the knob for the next update."""
        ...

    def __str__(self) -> str: ...
