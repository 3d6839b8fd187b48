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
from byrote.objectives.tokens import commonest
from byrote.record import Record
from byrote.record.run_file import SEEN
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import gap

OUT_REASON = "No prediction was recorded for a training example that the model was not trained on."


@dataclass(frozen=True)
class ClassAccuracy:
    """Accuracy on the training examples of one class: by models trained on them (`learned`), and by the others (`held_out`).

    `share` is the share of the training examples that are of this class.
    """

    name: str
    share: float
    learned: Estimate | NotMeasured
    held_out: Estimate | NotMeasured


@dataclass(frozen=True)
class Accuracies:
    """Accuracies at the last step, real examples only: 1 is all right.

    `learned`: training examples, by models trained on them; `seen_only`: it was recorded in the training pass, because there
    is no clean pass. `held_out`: training examples, by models not trained on them. `tested`: test examples. `gap`: learned
    minus held out, in [-1, 1]; it equals mean memorization in a balanced design.

    `baseline` is what a model reaches on the training examples that ignores its input: always the commonest class (or, of
    several labels, of each the commoner value), or the mean target (R² 0). `classes` are the accuracies per class, and
    `balanced` is the mean of those held out, in which every class counts the same. Accuracy shows little of a rare class.
    """

    learned: Estimate | NotMeasured
    held_out: Estimate | NotMeasured
    tested: Estimate | NotMeasured
    gap: Estimate | NotMeasured
    seen_only: bool
    baseline: float
    classes: tuple[ClassAccuracy, ...]
    balanced: Estimate | NotMeasured

    @property
    def learned_nothing(self) -> bool:
        """Whether models do no better than the baseline even on examples they were trained on: the interval holds it, or less.

        Then nothing was learned that could be memorized, and values near 0 say nothing about the data.
        """
        if isinstance(self.learned, NotMeasured) or self.baseline == 1:  # one class only: nothing to learn
            return False
        return bool((self.learned.value if np.isnan(self.learned.low) else self.learned.low) <= self.baseline)

    @property
    def gap_holds_zero(self) -> bool:
        """Whether the interval of the gap holds 0: that anything was memorized is then not shown."""
        return isinstance(self.gap, Estimate) and self.gap.low <= 0 <= self.gap.high


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
    classes, balanced = _by_class(record, in_answers, out_answers, [trained[train] for trained in member])
    return Accuracies(
        learned=mean_right(in_answers, in_reason, is_share=is_share),
        held_out=mean_right(out_answers, OUT_REASON, is_share=is_share),
        tested=mean_right(
            [right[test] for right in clean], "No prediction was recorded for a test example.", is_share=is_share
        ),
        gap=_gap(clean, member, train, is_share=is_share),
        seen_only=seen_only,
        baseline=_baseline(record),
        classes=classes,
        balanced=balanced,
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


def _baseline(record: Record) -> float:
    labels = record.population.labels[record.population.where("train")]
    if record.objective.name == "tokens" and len(labels):
        return commonest(labels)
    if record.objective.name == "regression" or not len(labels):
        return 0.0
    if record.objective.name == "multilabel":
        each = np.nanmean(labels, axis=0)
        return float(np.mean(np.maximum(each, 1 - each)))
    return float(np.bincount(labels).max() / len(labels))


def _by_class(
    record: Record,
    in_answers: Sequence[NDArray[np.float64]],
    out_answers: Sequence[NDArray[np.float64]],
    member: Sequence[Bool[ndarray, " train"]],
) -> tuple[tuple[ClassAccuracy, ...], Estimate | NotMeasured]:
    """Return `classes` and `balanced`; none where targets are no classes."""
    if record.objective.name != "classification":
        return (), NotMeasured("It is measured where targets are classes.")
    labels = record.population.labels[record.population.where("train")]
    found: list[ClassAccuracy] = []
    reason = "No prediction was recorded for such an example."
    learned = [_split(right, labels[of_run]) for right, of_run in zip(in_answers, member, strict=True)]
    held_out = [_split(right, labels[~of_run]) for right, of_run in zip(out_answers, member, strict=True)]
    none = np.zeros(0)
    for label, count in zip(*(part.tolist() for part in np.unique(labels, return_counts=True)), strict=True):
        parts = (mean_right([run.get(label, none) for run in runs], reason) for runs in (learned, held_out))
        found.append(ClassAccuracy(record.classes[label], count / len(labels), *parts))
    means = [_means_of_classes(right, labels[~of_run]) for right, of_run in zip(out_answers, member, strict=True)]
    return tuple(found), mean_right(means, OUT_REASON)


def _split(right: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[int, NDArray[np.float64]]:
    """Return the answers about each class, in their order."""
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    return dict(zip(present.tolist(), np.split(right[order], starts[1:]), strict=False))


def _means_of_classes(right: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean answer of each class, so that every class counts the same in their mean."""
    kept = np.isfinite(right)
    number = np.bincount(labels[kept])
    with np.errstate(invalid="ignore"):
        return np.bincount(labels[kept], right[kept]) / number if len(number) else np.zeros(0)


def _read(record: Record, column: str) -> NDArray[np.float64]:
    """Return `[run, example]`, NaN where nothing was recorded."""
    try:
        return np.asarray(read_outcomes(record, column=column, missing="nan").correct, np.float64)
    except MissingEvidence:
        return np.full((len(record.runs), len(record.population)), np.nan)


def _gap(
    clean: NDArray[np.float64],
    member: Sequence[Bool[ndarray, " example"]],
    train: Bool[ndarray, " example"],
    *,
    is_share: bool,
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
    return size.within(-1.0, 1.0) if is_share else size
