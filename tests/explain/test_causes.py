from dataclasses import replace

import pytest

from byrote.explain.causes import Cause, describe, find_cause, too_few
from byrote.explain.neighbours import Neighbour
from byrote.explain.out_predictions import OutPredictions

CLASSES = ("cat", "dog", "cow")
NAN = float("nan")


def twin(label: int, distance: float = 0.0) -> Neighbour:
    return Neighbour(9, "train/9", label, distance)


@pytest.mark.parametrize(
    ("counts", "duplicates", "remoteness", "cause"),
    [
        ((0, 6, 0), (), 0.5, "label suspect"),
        ((1, 5, 0), (), 0.5, "label suspect"),
        ((0, 3, 3), (), 0.5, "ambiguous"),
        ((3, 3, 0), (), 0.99, "atypical"),
        ((3, 3, 0), (), 0.5, "ambiguous"),
        ((0, 4, 2), (), 0.95, "atypical"),
        ((6, 0, 0), (), 0.99, "unclear"),
        ((0, 4, 2), (), NAN, "ambiguous"),
        ((0, 6, 0), (twin(1),), 0.5, "near-duplicate"),
        ((0, 6, 0), (twin(0),), 0.5, "label suspect"),
        ((0, 2, 0), (twin(0),), 0.5, "near-duplicate"),
        ((6, 0, 0), (twin(0, 0.1),), 0.5, "near-duplicate"),
        ((0, 2, 0), (), 0.5, "unclear"),
        ((0, 0, 0), (), 0.5, "unclear"),
    ],
)
def test_the_first_rule_that_fits_names_the_cause(
    counts: tuple[int, ...], duplicates: tuple[Neighbour, ...], remoteness: float, cause: Cause
) -> None:
    assert find_cause(0, OutPredictions(counts), duplicates, remoteness, classes=CLASSES)[0] == cause


@pytest.mark.parametrize(
    ("alternative_distance", "remoteness", "duplicates", "cause"),
    [
        (1.0, 0.99, (), "label suspect"),
        (1.01, 0.99, (), "atypical"),
        (1.01, 0.5, (), "unclear"),
        (1.01, NAN, (), "unclear"),
        (1.01, 0.99, (twin(0),), "near-duplicate"),
        (0.99, 0.99, (twin(0),), "label suspect"),
        (NAN, 0.99, (), "label suspect"),
    ],
)
def test_an_outlier_of_the_other_label_too_is_no_label_suspect(
    alternative_distance: float, remoteness: float, duplicates: tuple[Neighbour, ...], cause: Cause
) -> None:
    found = find_cause(
        0, OutPredictions((0, 6, 0)), duplicates, remoteness, alternative_distance=alternative_distance, classes=CLASSES
    )
    assert found[0] == cause


def test_only_agreement_is_weighed_against_the_distance() -> None:
    split = find_cause(0, OutPredictions((0, 3, 3)), (), 0.5, alternative_distance=9.0, classes=CLASSES)
    assert split == ("ambiguous", "Predicted by 6 models not trained on it: dog (3), cow (3).")


def test_one_model_is_no_models() -> None:
    assert describe(OutPredictions((1, 0, 0)), CLASSES) == "Predicted by 1 model not trained on it: cat (1)."
    assert too_few(1) == "Only 1 model was not trained on it, too few to decide."
    assert too_few(2) == "Only 2 models were not trained on it, too few to decide."
    assert too_few(0) == "Only 0 models were not trained on it, too few to decide."


def test_the_evidence_says_the_numbers() -> None:
    found = find_cause(0, OutPredictions((0, 1, 7)), (), NAN, classes=CLASSES)[1]
    assert found == "7 of 8 models not trained on it predict cow, not cat."
    near = find_cause(0, OutPredictions((0, 0, 7)), (), NAN, neighbours=(twin(2, 1.0), twin(1, 2.0)), classes=CLASSES)[
        1
    ]
    assert near.endswith("predict cow, not cat, and 1 of its 2 nearest training examples has the label cow.")
    conflict = find_cause(0, OutPredictions((0, 6, 0)), (twin(1),), NAN, classes=CLASSES)[1]
    assert conflict.startswith("An exact copy is train/9, and its label is dog.")
    strange = find_cause(0, OutPredictions((0, 1, 7)), (), 0.97, alternative_distance=2.14, classes=CLASSES)[1]
    assert strange == (
        "It is farther from the 5 nearest cat examples than 97 % of its class. "
        "7 of 8 models not trained on it predict cow, not cat, but it would be an outlier among the cow examples."
    )
    moved = replace(twin(1), change="shifted by one pixel")
    shifted = find_cause(0, OutPredictions((0, 6, 0)), (moved,), NAN, classes=CLASSES)[1]
    assert shifted.startswith("An exact copy, shifted by one pixel, is train/9, and its label is dog.")
    same = find_cause(0, OutPredictions((6, 0, 0)), (twin(0, 0.2),), NAN, classes=CLASSES)[1]
    assert same.startswith("A near-duplicate is train/9, with the same label.")
    assert describe(OutPredictions((1, 0, 5)), CLASSES) == "Predicted by 6 models not trained on it: cow (5), cat (1)."


def test_without_a_model_nothing_is_predicted() -> None:
    none = OutPredictions((0, 0, 0))
    assert none.alternative(0) is None
    assert none.share(0) != none.share(0)
