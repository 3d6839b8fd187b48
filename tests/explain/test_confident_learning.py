import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.explain import class_probabilities, label_issues, label_quality, noise_floor
from byrote.record import Record

P = np.array([[0.9, 0.1, 0], [0.7, 0.3, 0], [0.2, 0.8, 0], [0.85, 0.1, 0.05], [0.1, 0.9, 0], [0.5, 0.1, 0.4]])
LABELS = np.array([0, 0, 1, 1, 1, 0])


def draw(seed: int, n: int = 400, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return calibrated probabilities and labels drawn from them, of which a tenth are then drawn anew."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.3), n)
    labels = (rng.random((n, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(0, classes - 1)
    return probabilities, np.where(rng.random(n) < 0.1, rng.integers(0, classes, n), labels)


def test_by_hand() -> None:
    """Thresholds: .7 for class 0 (.9, .7, .5), .6 for class 1 (.8, .1, .9), none for class 2, which no label names."""
    assert label_quality(P, LABELS).tolist() == [0.9, 0.7, 0.8, 0.1, 0.9, 0.5]
    assert label_issues(P, LABELS).tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize("seed", range(3))
def test_issues_are_those_of_a_loop_over_the_definition(seed: int) -> None:
    probabilities, labels = draw(seed)
    thresholds = [probabilities[labels == k, k].mean() for k in range(4)]
    expected: list[bool] = []
    for row, label in zip(probabilities, labels, strict=True):
        reached = [k for k in range(4) if row[k] >= thresholds[k]]
        best = max(reached, key=lambda k: row[k], default=label)
        expected.append(best != label and row.argmax() != label)
    assert label_issues(probabilities, labels).tolist() == expected
    assert 10 < sum(expected) < 150


@pytest.mark.parametrize("seed", range(3))
def test_cleanlab_has_the_same_quality_and_issues(seed: int) -> None:
    rank, filters = pytest.importorskip("cleanlab.rank"), pytest.importorskip("cleanlab.filter")
    probabilities, labels = draw(seed)
    np.testing.assert_allclose(
        rank.get_label_quality_scores(labels, probabilities), label_quality(probabilities, labels)
    )
    theirs = filters.find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    np.testing.assert_array_equal(theirs, label_issues(probabilities, labels))


def test_what_is_no_probability_is_refused() -> None:
    for probabilities, labels, told in (
        (P * 2, LABELS, "6 rows of `probabilities` are no probabilities that sum to 1, the first is row 0"),
        (np.where(P == 0.7, np.nan, P), LABELS, "1 rows of `probabilities` .* row 1"),
        (P, LABELS + 2, "label 3 is none of the 3 columns"),
        (P, LABELS - 1, "label -1 is none of the 3 columns"),
        (P[:, :1], LABELS, "has 1 column"),
        (P, LABELS[:3], "has 3 along the axis example"),
    ):
        for function in (label_quality, label_issues, noise_floor):
            with pytest.raises(InvalidData, match=told):
                function(probabilities, labels)


def test_probabilities_of_a_record_are_of_runs_that_left_the_example_out(record: Record) -> None:
    """The probability of the label is exact, that of the predicted class follows from the margin, and rows sum to 1."""
    found, last = class_probabilities(record), record.last_step
    labels = record.population.labels
    np.testing.assert_allclose(found.sum(axis=1), 1)
    for at in range(0, len(labels), 17):
        out = [run for run in record.runs if not record.member(run)[at]]
        each = np.zeros((len(out), len(record.classes)))
        for row, run in zip(each, out, strict=True):
            loss, margin, said = (record.at_step(run, name, last)[at] for name in ("loss", "margin", "prediction"))
            row[labels[at]] = np.exp(-np.float64(loss))
            if said != labels[at]:
                row[said] = np.exp(-np.float64(loss) - np.float64(margin))
            row[row == 0] = (1 - row.sum()) / (row == 0).sum()
        np.testing.assert_allclose(found[at], each.mean(axis=0), atol=1e-5)
    some = np.array([3, 0])
    np.testing.assert_array_equal(class_probabilities(record, some), found[some])
