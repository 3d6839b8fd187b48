"""Prediction changes (Label Wave), Yuan, Feng & Liu, 2024, ICLR, arXiv:2502.07551."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.signature import score


@score(high="hard")
def prediction_changes(prediction_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """How often the predicted class changed during training: 0 is constant, high keeps changing.

    Number of presentations at which the prediction differs from the one at the presentation before, right or wrong.
    Steps without a presentation are skipped. 0 where it was presented once, NaN where it never was. The paper sums it
    over examples, step by step: `byrote.summaries.label_wave`.

    It misleads across schedules: with more steps it can change more often. An example with the same wrong prediction at
    every step, as a mislabeled one may have, counts 0.
    """
    events = np.count_nonzero(changes(prediction_seen), axis=0).astype(np.float64)
    return np.where(np.isnan(prediction_seen).all(axis=0), np.nan, events)


def changes(prediction_seen: Float[ndarray, "step example"]) -> Bool[ndarray, "step example"]:
    """Return where a presentation has another prediction than the presentation before it."""
    changed = np.zeros(prediction_seen.shape, np.bool_)
    before = np.full(prediction_seen.shape[1], np.nan)
    for step, now in enumerate(prediction_seen):
        changed[step] = ~np.isnan(before) & ~np.isnan(now) & (now != before)
        before = np.where(np.isnan(now), before, now)
    return changed
