"""One synthetic record on which it is known who is hard, and the columns that each score asks of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byrote.signature import Need, Score

RUNS, STEPS, EXAMPLES, HARD = 60, 12, 24, 6
"""The first HARD of the EXAMPLES are hard: known only to a run that was trained on them, and learned late."""


@dataclass(frozen=True)
class Axes:
    """The order of examples, runs and targets in which the columns are handed out."""

    run: NDArray[np.intp]
    example: NDArray[np.intp]
    target: NDArray[np.intp]


STRAIGHT = Axes(run=np.arange(RUNS), example=np.arange(EXAMPLES), target=np.arange(EXAMPLES))


def columns(score: Score, axes: Axes = STRAIGHT) -> list[NDArray[np.generic]]:
    """Return the positional arguments of a score, in this order of the axes."""
    return [_column(need, axes) for need in score.needs]


def _column(need: Need, axes: Axes) -> NDArray[np.generic]:
    clean_trace = "step" in need.axes and not need.column.endswith("_seen")
    full = _record()[f"{need.column}_later" if clean_trace else need.column]
    if "step" in need.axes:
        return full[0][:, axes.example]
    if full.ndim == 1:
        return full[axes.example]
    if "run" not in need.axes:
        return full[0, STEPS // 2, axes.example]
    last = full[:, -1] if full.ndim == 3 else full
    return last[axes.run][:, axes.target if "target" in need.axes else axes.example]


def _record() -> dict[str, NDArray[np.generic]]:
    """Return columns over run x step x example, `member` without step; run 0 was trained on everyone."""
    rng = np.random.default_rng(0)
    hard = np.arange(EXAMPLES) < HARD
    member = rng.random((RUNS, EXAMPLES)) < 0.7
    member[0] = True
    progress = np.arange(1, STEPS + 1)[:, None] / STEPS
    level = np.where(hard, 5 * progress - 3.5, 3 * progress + 1)  # hard ones are learned late, and slip
    slip = hard & (np.arange(STEPS)[:, None] == STEPS - 2)
    margin = np.where(slip, -1.0, level) + rng.normal(scale=0.05, size=(RUNS, STEPS, EXAMPLES))
    margin -= np.where(hard & ~member, 4.0, 0.0)[:, None]
    confidence = 1 / (1 + np.exp(-margin))
    seen = np.where(member[:, None], 1.0, np.nan)
    full: dict[str, NDArray[np.generic]] = {
        "correct": margin > 0,
        "margin": margin,
        "confidence": confidence,
        "loss": -np.log(confidence),
        "residual": np.sqrt(2) * (1 - confidence),
        "prediction": np.where(margin > 0, 0, 1),
    }
    lost = hard & (np.arange(STEPS)[:, None] >= STEPS // 2)  # while something else is learned
    later = {"correct_later": np.where(lost, 0.0, 1.0)[None], "input_gradient_later": full["residual"]}
    correctness = np.where(member, np.where(hard, 0.5, 1.0), np.nan)  # of a whole run
    around = rng.normal(size=(3, EXAMPLES)) - 2.0 * hard  # what the data say
    return (
        {"member": member, "correctness": correctness, "outcome": confidence}
        | {"aum": np.where(member, margin.mean(axis=1), np.nan)}
        | dict(zip(("label_agreement", "class_separation", "isolation"), around, strict=True))
        | full
        | later
        | {f"{name}_seen": column * seen for name, column in full.items()}
    )
