"""Accuracy on what a model was trained on, on training examples it did not see, and on the test set."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import read_outcomes
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import gap


@dataclass(frozen=True)
class Accuracies:
    """Shares of right answers at the last step, real examples only: 1 is all right.

    `learned`: training examples, by models trained on them; `seen_only` says that it was recorded in the training
    pass, for lack of a clean one. `held_out`: training examples, by models that did not see them. `tested`: test
    examples. `gap`: learned minus held out, in [-1, 1]; it equals mean memorization in a balanced design.
    """

    learned: Estimate | NotMeasured
    held_out: Estimate | NotMeasured
    tested: Estimate | NotMeasured
    gap: Estimate | NotMeasured
    seen_only: bool


def read_accuracies(record: Record) -> Accuracies:
    """Return the accuracies of a record, each with its interval over runs (over examples, when there is one run)."""
    train, test = record.population.where("train"), record.population.where("test")
    outcomes = read_outcomes(record, missing="nan")
    clean, member = outcomes.correct, outcomes.member
    inside = [right[in_run & train] for right, in_run in zip(clean, member, strict=True)]
    seen_only = not any(np.isfinite(right).any() for right in inside)
    if seen_only:
        seen = read_outcomes(record, column="correct_seen", missing="nan").correct
        inside = [right[in_run & train] for right, in_run in zip(seen, member, strict=True)]
    outside = [right[~in_run & train] for right, in_run in zip(clean, member, strict=True)]
    return Accuracies(
        learned=mean_right(inside, "No model was asked about what it was trained on."),
        held_out=mean_right(outside, "No model was asked about training examples that it had not seen."),
        tested=mean_right([right[test] for right in clean], "No model was asked about test examples."),
        gap=_gap(clean, member, train),
        seen_only=seen_only,
    )


def mean_right(answers: Sequence[NDArray[np.float64]], reason: str) -> Estimate | NotMeasured:
    """Return the mean over runs of the share of right answers; NaN answers were not given and do not count."""
    given = [right[np.isfinite(right)] for right in answers]
    given = [right for right in given if len(right)]
    if not given:
        return NotMeasured(reason)
    shares = np.array([right.mean() for right in given])
    if len(shares) == 1:
        return Estimate.of_share(given[0].sum(), len(given[0]), "example", level=LEVEL)
    return Estimate.of_mean(shares, "run", level=LEVEL).within(0.0, 1.0)


def _gap(
    clean: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    train: Bool[ndarray, " example"],
) -> Estimate | NotMeasured:
    if not np.isfinite(clean[:, train]).all():
        return NotMeasured("Not every model was asked about every training example at its last step.")
    size = gap(clean[:, train] > 0, member[:, train], level=LEVEL)
    if np.isnan(size.value):
        return NotMeasured("No run left out a training example, so nothing says what happens without it.")
    return size
