"""What it takes to recall a list, as rows of plain values: one per way of training."""

from typing import Any

import numpy as np

from byrote.experiments.measures import MEASURES
from byrote.experiments.memorize import ArmRecall, Memorized
from byrote.stats.estimate import Estimate

Rows = list[dict[str, Any]]


def memorize_rows(found: Memorized) -> Rows:
    """Return one row per way of training, the task as it is first.

    `recall` and `leakage of wanted` have 90 % intervals, `held` says in how many of the `runs` the floor held, and `epochs` after
    how many it had held, in the mean over runs where it had. `recall with ...` is that of changed inputs. The other measures are
    those of the examples that are not wanted; after `change of` stand paired differences to the task as it is.
    """
    return [_row(found, each) for each in found.arms]


def epochs_text(arm: ArmRecall) -> str:
    """Return after how many epochs the floor had held: the median over runs where it had, and its range."""
    known = arm.values["epochs"][~np.isnan(arm.values["epochs"])]
    if not len(known):
        return "never"
    middle, ends = np.median(known), (known.min(), known.max())
    return f"{middle:g}" if ends[0] == ends[1] else f"{middle:g} ({ends[0]:g} to {ends[1]:g})"


def _row(found: Memorized, arm: ArmRecall) -> dict[str, Any]:
    row: dict[str, Any] = {
        "arm": arm.arm,
        "training": arm.title,
        "runs": arm.runs,
        "wanted": len(found.wanted.ids),
        "floor": found.floor,
        "held": arm.held,
    }
    row |= arm.recall.cells("recall")
    row |= Estimate.of_mean(arm.values["epochs"], "run").cells("epochs")
    row |= arm.leakage.cells("leakage of wanted")
    for name, text in (("recall", "recall"), ("epochs", "epochs"), ("leakage", "leakage of wanted")):
        change = arm.changes.get(name, Estimate.undefined("run"))
        row |= change.cells(f"change of {text}")
    for each in arm.varied:
        row |= each.recall.cells(f"recall with {each.variation}")
    for measure in MEASURES:
        row |= arm.result.levels[measure.name].cells(measure.name)
        row |= arm.result.changes[measure.name].cells(f"change of {measure.name}")
    return row
