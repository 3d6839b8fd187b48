"""Thermostat: memorization held at a target by a knob, in closed loop on the sensor canaries."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from byrote.controls.control import Control, check_classes
from byrote.controls.hold import Mode, hold
from byrote.errors import InvalidData, unknown
from byrote.task.task import Task


@dataclass(frozen=True)
class Range:
    """How far a knob may be turned, on which scale, and whether turning it up can undo what is memorized already."""

    least: float
    most: float
    scale: Literal["linear", "log"] = "linear"
    undoes: bool = True


RANGES: dict[str, Range] = {
    "dropout": Range(0.0, 0.9),
    "weight_decay": Range(1e-4, 10**-1.5, "log"),
    "trim": Range(0.0, 0.3, undoes=False),
    "flooding": Range(0.0, 1.5),
    "augment": Range(0.0, 1.0, undoes=False),
    "label_smoothing": Range(0.0, 0.9),
    "input_dropout": Range(0.0, 0.8),
    "feature_dropout": Range(0.0, 0.8),
    "token_dropout": Range(0.0, 0.8),
    "example_tied_dropout": Range(0.0, 0.9),
    "l2": Range(1e-4, 10**-1.5, "log"),
}
"""The knobs that can be turned, and how far."""


@dataclass(frozen=True)
class thermostat(Control):
    """Holds memorization at `target`, from 0 (none) to 1 (everything by rote), by turning `knob` while the model trains.

    Memorization is that of the canaries of one `kind` (wrong labels by default; of texts, shuffled ones): the mean
    probability of their label (the geometric mean over the tokens of a text), of those that are trained on minus the
    others. Half of the canaries are read by the controller; the other half verifies, and is never read. `mode` "cap"
    brakes beyond the target only, "floor" lets go below it (from the effort `start`). What it holds is the memorization
    of these canaries: other kinds of examples may keep more or less of it, and a low value is no privacy. At equal
    memorization a well-chosen fixed strength is as accurate; what is saved is the search for it.
    """

    target: float
    knob: str = "dropout"
    kind: str = "mislabeled"
    mode: Mode = "hold"
    start: float = 0.0
    name: ClassVar[str] = "thermostat"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = (0.1, 0.2, 0.4)

    def __post_init__(self) -> None:
        if self.knob not in RANGES:
            raise unknown("knob", self.knob, RANGES)
        if self.mode == "floor" and not self.start:
            raise InvalidData(
                "A floor lets go of a brake, and none is on at start=0. Give start, the effort to begin with, from 0 to 1."
            )
        self.controller()

    def controller(self, chance: float = 0.0, epochs: int = 0) -> hold:
        """Return the controller of the knob, for a task whose untrained models have the loss `chance`."""
        span = RANGES[self.knob]
        ramp = epochs / 2 if self.mode == "cap" else 0.0
        return hold(self.target, self.kind, self.mode, span.least, span.most, span.scale, self.start, chance, ramp=ramp)

    def change(self, task: Task) -> Task:
        """Return the task whose knob is turned by the controller; raise InvalidData where the knob cannot act."""
        from byrote.controls import CONTROLS  # the list holds the thermostat too

        if task.learned.name != "tokens":
            check_classes(self, task)
        chance = round(math.log(task.learned.outputs), 6)
        if self.knob not in CONTROLS:
            raise unknown("knob", self.knob, CONTROLS)
        made: Any = CONTROLS[self.knob]
        controller = self.controller(chance, task.recipe.epochs)
        control = made(("crop", "flip"), controller) if self.knob == "augment" else made(controller)
        return control.change(task)
