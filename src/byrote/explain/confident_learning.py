"""Label quality and label issues from out-of-sample probabilities, Northcutt, Jiang & Chuang, 2021, JAIR, arXiv:1911.00068."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData

ROUNDING = 1e-3
"""How far the probabilities of an example may be from a sum of 1."""


@checked
def label_quality(
    probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]
) -> Float[ndarray, " example"]:
    """Return the probability that models give to the label of each example: 0 is surely wrong, 1 surely right.

    `probabilities` must be out-of-sample: each row by models that were not trained on the example, such as out-of-fold ones.
    It misleads with probabilities of models that were trained on it (all labels then look right), for rare kinds, and
    between classes of which the models are unequally sure. Raises InvalidData where rows are no probabilities
    or a label is none of the columns.
    """
    check_probabilities("label_quality", probabilities, labels)
    return probabilities[np.arange(len(labels)), labels]


@checked
def label_issues(
    probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]
) -> Bool[ndarray, " example"]:
    """Return which labels contradict out-of-sample probabilities, by the class thresholds of confident learning.

    The threshold of a class is the mean probability that its own examples are given for it. An example is an issue if,
    among the classes whose threshold its probability reaches, the most probable is not its label; never if its label
    is the most probable class of all. A class without examples has no threshold, and is not proposed. Issues are not errors:
    where inputs do not determine labels there are many without any error, see `noise_floor`. `probabilities` must be
    out-of-sample. Raises InvalidData where rows are no probabilities or a label is none of the columns.
    """
    check_probabilities("label_issues", probabilities, labels)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    own = np.bincount(labels, probabilities[np.arange(len(labels)), labels], len(counts))
    thresholds = np.where(counts > 0, own / np.maximum(counts, 1), np.inf)
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    confident = reached.argmax(axis=1)
    return (reached.max(axis=1) >= 0) & (confident != labels) & (probabilities.argmax(axis=1) != labels)


def check_probabilities(
    function: str, probabilities: Float[ndarray, "example class"], labels: Int[ndarray, " example"]
) -> None:
    """Raise InvalidData where rows are no probabilities over two or more classes, or a label is none of the columns."""
    classes = probabilities.shape[1]
    if classes < 2:
        raise InvalidData(
            f"{function}: `probabilities` has {classes} column. Give one column for each class, two or more."
        )
    in_range = ((probabilities >= 0) & (probabilities <= 1)).all(axis=1)  # False for NaN
    bad = ~in_range | ~(np.abs(probabilities.sum(axis=1) - 1) <= ROUNDING)
    if bad.any():
        first = int(np.argmax(bad))
        raise InvalidData(
            f"{function}: {bad.sum()} rows of `probabilities` are no probabilities that sum to 1, the first is row {first}: "
            f"{probabilities[first]}. Leave out examples without a prediction, and give a softmax, not logits."
        )
    bad = (labels < 0) | (labels >= classes)
    if bad.any():
        raise InvalidData(
            f"{function}: label {labels[bad][0]} is none of the {classes} columns of `probabilities`. Number classes from 0."
        )
