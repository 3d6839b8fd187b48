"""Supervisor: what a thermostat could not do, and why, from what was recorded of a run."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.controls.hold import COLLAPSED, hold
from byrote.task.signals import Reading

PATIENCE = 5
"""Epochs at the end of its range after which a knob counts as stuck there."""

ERRORS = 2.0
"""Standard errors from the target, or between sensor and verification canaries, that count as a difference."""

UNSTEADY = 0.15
"""A mean change of the effort per epoch, in the second half, above which the controller swings."""


class Event(NamedTuple):
    """Something that went wrong in an epoch (from 1): its kind, and a sentence about it."""

    epoch: int
    kind: Literal["unreachable", "sensor", "collapse", "unsteady"]
    sentence: str


def judge(
    controller: hold,
    readings: Sequence[Reading],
    knob: Float[ndarray, " epoch"],
    losses: Float[ndarray, " epoch"],
    verified: Float[ndarray, " epoch"],
    final: tuple[float, float] = (float("nan"), float("nan")),
) -> tuple[Event, ...]:
    """Return what went wrong in a run, from its readings at the ends of epochs and what was recorded beside them.

    `losses` are mean training losses, `verified` what the canaries say that the controller never read, and `final` the
    interval of that at the end (NaN: unknown).
    """
    found = [
        _stuck(controller, readings, knob, final),
        _sensor(controller, readings, verified),
        _collapse(controller, losses),
        _unsteady(controller, knob),
    ]
    return tuple(sorted(event for event in found if event is not None))


def forecast(measured: Float[ndarray, " epoch"], ahead: int = PATIENCE) -> float:
    """Return where memorization would be `ahead` epochs later if it went on as in the last ones; NaN below two epochs."""
    known = measured[~np.isnan(measured)][-PATIENCE:]
    if len(known) < 2:
        return float("nan")
    slope = np.polyfit(np.arange(len(known)), known, 1)[0]
    return float(np.clip(known[-1] + ahead * slope, -1, 1))


def _stuck(
    controller: hold, readings: Sequence[Reading], knob: Float[ndarray, " epoch"], final: tuple[float, float]
) -> Event | None:
    """Return whether the knob stood at an end of its range in the last PATIENCE epochs, and the target still out of reach.

    Before that, a model that has learned for a few epochs only has every right to memorize too little. Out of reach is a
    target that is far from all these readings, or on one side of them and of the interval `final` (of none where it is NaN).
    """
    last = readings[-PATIENCE:]
    if len(last) < PATIENCE:
        return None
    value = controller.measured(last[-1])
    for end, side, words in ((controller.most, 1, "strongest"), (controller.least, -1, "weakest")):
        at_end = np.isclose(knob, end, rtol=1e-3, atol=1e-6)
        off = [side * (controller.measured(each) - controller.target) for each in last]
        sure = all(gap > ERRORS * controller.error(each) for gap, each in zip(off, last, strict=True))
        sure |= min(off) > 0 and min(side * (bound - controller.target) for bound in final) > 0
        if at_end[-PATIENCE:].all() and sure:
            since = len(knob) - int(np.argmin(at_end[::-1])) if not at_end.all() else 0
            advice = "Use another knob with it, or train less long" if side > 0 else "Train longer, or a larger model"
            return Event(
                since + 1,
                "unreachable",
                f"The target {controller.target:g} is out of reach: from epoch {since + 1} on the knob was at its {words} value, {end:g}, and memorization was {value:.2f} at the end. {advice}.",
            )
    return None


def _sensor(controller: hold, readings: Sequence[Reading], verified: Float[ndarray, " epoch"]) -> Event | None:
    """Return the first time that the sensors and the verification canaries disagreed for PATIENCE epochs."""
    differs = [
        abs(controller.measured(reading) - value) > 2 * ERRORS * controller.error(reading)
        for reading, value in zip(readings, verified, strict=False)
    ]
    for epoch in range(PATIENCE, len(differs) + 1):
        if all(differs[epoch - PATIENCE : epoch]):
            reading = controller.measured(readings[epoch - 1])
            return Event(
                epoch,
                "sensor",
                f"The sensor is wrong: the canaries that the controller reads say {reading:.2f}, and those that it never read say {verified[epoch - 1]:.2f}.",
            )
    return None


def _collapse(controller: hold, losses: Float[ndarray, " epoch"]) -> Event | None:
    """Return the first epoch after which a network that had learned something had forgotten it."""
    if not controller.chance:
        return None
    learned = np.minimum.accumulate(np.where(np.isnan(losses), np.inf, losses)) < 0.8 * controller.chance
    gone = np.flatnonzero(learned & (losses >= COLLAPSED * controller.chance))
    if not len(gone):
        return None
    return Event(
        int(gone[0]) + 1,
        "collapse",
        f"The network collapsed: its training loss rose to {losses[gone[0]]:.2f}, near that of chance ({controller.chance:.2f}). A network that has learned nothing memorizes nothing: low memorization is no success here.",
    )


def _unsteady(controller: hold, knob: Float[ndarray, " epoch"]) -> Event | None:
    """Return whether the knob swings in the second half."""
    late = knob[len(knob) // 2 :]
    span = (
        np.log(controller.most / controller.least) if controller.scale == "log" else controller.most - controller.least
    )
    steps = np.abs(np.diff(np.log(late) if controller.scale == "log" else late)) / span
    if len(steps) < PATIENCE or not np.isfinite(steps).all() or steps.mean() <= UNSTEADY:
        return None
    return Event(
        len(knob),
        "unsteady",
        f"The knob swings by {steps.mean():.0%} of its range per epoch in the second half. More canaries make it calmer, or another knob.",
    )
