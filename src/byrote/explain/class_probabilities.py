"""Out-of-sample class probabilities from a record, as tools that look for label errors take them."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import MissingEvidence
from byrote.record import Record


@checked
def class_probabilities(
    record: Record, positions: Int[ndarray, " query"] | None = None
) -> Float[ndarray, "query class"]:
    """Return the mean probabilities, in the last clean pass, of the runs that were not trained on each example.

    One row per position (None: every example of the record, canaries too), one column per class. A record keeps the
    probability of the label, and of the class that is most probable apart from it by the margin, but not all classes.
    So these are exact: the probability of the label, and that of the predicted class of each run. What is left of a run
    is shared equally among the other classes. With two classes all is exact. A row is NaN where no run left the example out.

    Raises MissingEvidence for other objectives, and when no run predicted an example that it was not trained on.
    """
    if record.objective.name != "classification":
        raise MissingEvidence(f"Class probabilities are of classification, not of {record.objective.name}.")
    where = np.arange(len(record.population)) if positions is None else positions
    classes, labels = len(record.classes), record.population.labels[where]
    total, models = np.zeros((len(where), classes)), np.zeros(len(where), np.int64)
    for run in record.runs:
        loss, margin, predicted = (
            record.at_step(run, name, record.last_step)[where].astype(np.float64)
            for name in ("loss", "margin", "prediction")
        )
        out = np.flatnonzero(~record.member(run)[where] & ~np.isnan(loss) & ~np.isnan(margin) & ~np.isnan(predicted))
        total[out] += _of_one_run(loss[out], margin[out], predicted[out].astype(np.int64), labels[out], classes)
        models[out] += 1
    if not models.any():
        raise MissingEvidence(
            f"{record.directory} has no losses, margins and predictions of a run for an example that the run was not trained on. "
            "Collect runs on subsets, with a clean pass over every example at the end."
        )
    return np.where(models > 0, 1.0, np.nan)[:, None] * total / np.maximum(models, 1)[:, None]


def _of_one_run(
    loss: Float[ndarray, " query"],
    margin: Float[ndarray, " query"],
    predicted: Int[ndarray, " query"],
    labels: Int[ndarray, " query"],
    classes: int,
) -> Float[ndarray, "query class"]:
    rows = np.arange(len(labels))
    own = np.exp(-loss)
    other = predicted != labels
    best = np.where(other, np.minimum(np.exp(-loss - margin), 1 - own), 0)  # the margin is the log of their ratio
    known = 1 + other
    rest = np.maximum(1 - own - best, 0) / np.maximum(classes - known, 1)
    found = np.repeat(rest[:, None], classes, axis=1)
    found[rows, labels] = own
    found[rows[other], predicted[other]] = best[other]
    return found / found.sum(axis=1, keepdims=True)
