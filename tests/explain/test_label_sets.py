"""Causes of examples with several labels."""

import pytest

from byrote.explain.label_set_causes import LABEL_SET_CAUSES, describe_labels, find_label_set_cause, suspects
from byrote.explain.neighbours import Neighbour
from byrote.explain.out_labels import OutLabels

NAN = float("nan")
NEAR = Neighbour(3, "train/3", 0, 0.0)
NAMES = ("even", "prime")


@pytest.mark.parametrize(
    ("right", "all_right", "models", "duplicates", "remoteness", "outlying", "cause"),
    [
        ((2, 10), 2, 10, (), 0.5, 0.7, "label suspect"),
        ((2, 10), 2, 10, (), NAN, NAN, "label suspect"),
        ((3, 10), 3, 10, (), 0.5, 0.7, "ambiguous"),
        ((2, 10), 2, 10, (), 0.95, 1.1, "atypical"),
        ((8, 10), 8, 10, (), 0.95, 1.1, "unclear"),
        ((0, 2), 0, 2, (), 0.5, 0.7, "unclear"),
        ((2, 10), 2, 10, ((NEAR, True),), 0.5, 0.7, "near-duplicate"),
        ((2, 10), 2, 10, ((NEAR, False),), 0.5, 0.7, "label suspect"),
        ((10, 10), 10, 10, ((NEAR, False),), 0.5, 0.7, "near-duplicate"),
    ],
)
def test_the_first_rule_that_applies_names_the_cause(
    right: tuple[int, ...],
    all_right: int,
    models: int,
    duplicates: tuple[tuple[Neighbour, bool], ...],
    remoteness: float,
    outlying: float,
    cause: str,
) -> None:
    found = OutLabels(right, all_right, models)
    given = find_label_set_cause(found, duplicates, remoteness, outlying=outlying, names=NAMES)
    assert given[0] == cause
    assert cause in LABEL_SET_CAUSES


def test_the_evidence_names_the_labels_that_models_disagree_with_most_first() -> None:
    found = OutLabels((9, 1), 1, 10)
    assert suspects(found) == (1,)
    assert describe_labels(found, NAMES).endswith("9 disagree about prime, 1 about even.")
    assert describe_labels(OutLabels((10, 10), 10, 10), NAMES) == "All 10 models not trained on it predict its labels."
    assert describe_labels(OutLabels((1, 1), 1, 1), NAMES) == "The one model not trained on it predicts its labels."
    assert (
        describe_labels(OutLabels((0, 1), 0, 1), NAMES)
        == f"Of 1 model not trained on it, 1 disagrees about {NAMES[0]}."
    )
    assert describe_labels(OutLabels((0, 0), 0, 0), NAMES) == "Every model was trained on it."
