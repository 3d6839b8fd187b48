from dataclasses import replace

import pytest

from byrote.explain.causes import Cause, describe, find_cause
from byrote.explain.neighbours import Neighbour
from byrote.explain.outsiders import Outsiders

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
    assert find_cause(0, Outsiders(counts), duplicates, remoteness, classes=CLASSES)[0] == cause


@pytest.mark.parametrize(
    ("rival_distance", "remoteness", "duplicates", "cause"),
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
def test_what_is_far_from_the_rival_too_is_no_label_suspect(
    rival_distance: float, remoteness: float, duplicates: tuple[Neighbour, ...], cause: Cause
) -> None:
    said = find_cause(0, Outsiders((0, 6, 0)), duplicates, remoteness, rival_distance=rival_distance, classes=CLASSES)
    assert said[0] == cause


def test_only_agreement_is_weighed_against_the_distance() -> None:
    split = find_cause(0, Outsiders((0, 3, 3)), (), 0.5, rival_distance=9.0, classes=CLASSES)
    assert split == ("ambiguous", "Of 6 models that never saw it: 3 dog, 3 cow.")


def test_the_evidence_says_the_numbers() -> None:
    said = find_cause(0, Outsiders((0, 1, 7)), (), NAN, classes=CLASSES)[1]
    assert said == "7 of 8 models that never saw it say cow, not cat."
    near = find_cause(0, Outsiders((0, 0, 7)), (), NAN, neighbours=(twin(2, 1.0), twin(1, 2.0)), classes=CLASSES)[1]
    assert near.endswith("say cow, not cat, and 1 of its 2 nearest training examples have that label.")
    conflict = find_cause(0, Outsiders((0, 6, 0)), (twin(1),), NAN, classes=CLASSES)[1]
    assert conflict.startswith("An exact copy is train/9, and its label is dog.")
    strange = find_cause(0, Outsiders((0, 1, 7)), (), 0.97, rival_distance=2.14, classes=CLASSES)[1]
    assert strange == (
        "It is farther from the 5 nearest cat examples than 97 % of its class. "
        "7 of 8 models that never saw it say cow, not cat, but it is so far from the nearest cow examples that it would be an outlier there."
    )
    moved = replace(twin(1), change="shifted by one pixel")
    shifted = find_cause(0, Outsiders((0, 6, 0)), (moved,), NAN, classes=CLASSES)[1]
    assert shifted.startswith("An exact copy, shifted by one pixel, is train/9, and its label is dog.")
    same = find_cause(0, Outsiders((6, 0, 0)), (twin(0, 0.2),), NAN, classes=CLASSES)[1]
    assert same.startswith("A near-duplicate is train/9, with the same label.")
    assert describe(Outsiders((1, 0, 5)), CLASSES) == "Of 6 models that never saw it: 5 cow, 1 cat."


def test_outsiders_without_a_model_share_nothing() -> None:
    nobody = Outsiders((0, 0, 0))
    assert nobody.rival(0) is None
    assert nobody.share(0) != nobody.share(0)
