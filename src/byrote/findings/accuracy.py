"""Accuracy on the examples that a model was trained on, on training examples that it was not trained on, and on the test set.

For other objectives than classification it is what their vocabulary calls `right`, for example R².
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import read_outcomes
from byrote.record import Record
from byrote.record.run_file import SEEN
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import gap


@dataclass(frozen=True)
class Accuracies:
    """Accuracies at the last step, real examples only: 1 is all right.

    `learned`: training examples, by models trained on them; `seen_only`: it was recorded in the training pass, because there
    is no clean pass. `held_out`: training examples, by models not trained on them. `tested`: test examples. `gap`: learned
    minus held out, in [-1, 1]; it equals mean memorization in a balanced design.
    """

    learned: Estimate | NotMeasured
    held_out: Estimate | NotMeasured
    tested: Estimate | NotMeasured
    gap: Estimate | NotMeasured
    seen_only: bool


def read_accuracies(record: Record, *, is_share: bool = True) -> Accuracies:
    """Return the accuracies of a record, each with its interval over runs (over examples, when there is one run).

    `is_share`: they lie between 0 and 1, and so do their intervals.
    """
    train, test = record.population.where("train"), record.population.where("test")
    member = [record.member(run) for run in record.runs]
    clean = _read(record, record.objective.outcome)
    in_answers = [right[trained & train] for right, trained in zip(clean, member, strict=True)]
    seen_only = not any(np.isfinite(right).any() for right in in_answers)
    if seen_only:
        seen = _read(record, f"{record.objective.outcome}{SEEN}")
        in_answers = [right[trained & train] for right, trained in zip(seen, member, strict=True)]
    out_answers = [right[~trained & train] for right, trained in zip(clean, member, strict=True)]
    in_reason = "No prediction was recorded for an example that the model was trained on."
    out_reason = "No prediction was recorded for a training example that the model was not trained on."
    return Accuracies(
        learned=mean_right(in_answers, in_reason, is_share=is_share),
        held_out=mean_right(out_answers, out_reason, is_share=is_share),
        tested=mean_right(
            [right[test] for right in clean], "No prediction was recorded for a test example.", is_share=is_share
        ),
        gap=_gap(clean, member, train),
        seen_only=seen_only,
    )


def mean_right(answers: Sequence[NDArray[np.float64]], reason: str, *, is_share: bool = True) -> Estimate | NotMeasured:
    """Return the mean over runs of the mean over examples; NaN answers are missing and do not count.

    `reason` is given where all are missing. The interval is Student's over runs. Of one run it is over examples: Wilson's
    where every answer is right or wrong, else Student's.
    """
    given = [right[np.isfinite(right)] for right in answers]
    given = [right for right in given if len(right)]
    if not given:
        return NotMeasured(reason)
    means = np.array([right.mean() for right in given])
    if len(means) > 1:
        found = Estimate.of_mean(means, "run", level=LEVEL)
    elif np.isin(given[0], (0, 1)).all():
        found = Estimate.of_share(given[0].sum(), len(given[0]), "example", level=LEVEL)
    else:
        found = Estimate.of_mean(given[0], "example", level=LEVEL)
    return found.within(0.0, 1.0) if is_share else found


def _read(record: Record, column: str) -> NDArray[np.float64]:
    """Return `[run, example]`, NaN where nothing was recorded."""
    try:
        return np.asarray(read_outcomes(record, column=column, missing="nan").correct, np.float64)
    except MissingEvidence:
        return np.full((len(record.runs), len(record.population)), np.nan)


def _gap(
    clean: NDArray[np.float64], member: Sequence[Bool[ndarray, " example"]], train: Bool[ndarray, " example"]
) -> Estimate | NotMeasured:
    if not np.isfinite(clean[:, train]).all():
        return NotMeasured("Not every model has a prediction for every training example at its last step.")
    trained, right = np.stack(member)[:, train], clean[:, train]
    if np.isin(right, (0, 1)).all():
        size = gap(right > 0, trained, level=LEVEL)
    else:
        runs = zip(right, trained, strict=True)
        both = [run[of_run].mean() - run[~of_run].mean() for run, of_run in runs if of_run.any() and not of_run.all()]
        size = Estimate.of_mean(both, "run", level=LEVEL)
    if np.isnan(size.value):
        return NotMeasured("No run left out a training example, so there is nothing to compare with.")
    return size
