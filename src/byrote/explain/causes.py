"""Why an example had to be learned by rote: one cause by fixed rules, and the sentence that states the evidence."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from byrote.explain.neighbours import USUAL_NEIGHBOURS, Neighbour
from byrote.explain.outsiders import Outsiders

Cause = Literal["label suspect", "near-duplicate", "ambiguous", "atypical", "unclear"]

CAUSES: dict[Cause, str] = {
    "label suspect": "Models that never saw it agree on another label, and its examples are not far from it. Check the label.",
    "near-duplicate": "Another example is almost the same. Check whether it should be there twice.",
    "atypical": "It lies far from the others of its label, and models that never saw it get it wrong.",
    "ambiguous": "Models that never saw it are split between labels. It may have no single right one.",
    "unclear": "None of the rules fits. The evidence is shown as it is.",
}
"""Every cause, with what it says in one line."""

AGREEMENT = 0.8
"""Label suspect: at least this share of the models that never saw it give the same other label, and it is no outlier there."""

SPLIT = 0.25
"""Ambiguous: at least two labels are each given by at least this share of the models that never saw it."""

REMOTE = 0.9
"""Atypical: farther from the nearest of its own label than this share of its class ..."""

WRONG = 0.5
"""... and right in at most this share of the models that never saw it."""

FEWEST_MODELS = 3
"""Below this many models that never saw it, what they say is no evidence of anything."""


def find_cause(
    label: int,
    outsiders: Outsiders,
    duplicates: Sequence[Neighbour],
    remoteness: float,
    *,
    rival_distance: float = float("nan"),
    neighbours: Sequence[Neighbour] = (),
    classes: Sequence[str],
) -> tuple[Cause, str]:
    """Return the first rule that fits, and its evidence in one sentence.

    In order: a near-duplicate with another label, label suspect, a near-duplicate with the same label,
    atypical, ambiguous, unclear. `remoteness` is NaN where no inputs were kept: then nothing is atypical.
    `rival_distance` is how far it is from the nearest examples of the other label that models give most, where beyond 1
    it would be an outlier there: models agree easily on what is like nothing they know. NaN, unknown, decides nothing.
    `neighbours` decide nothing; those that speak for another label are counted in the evidence.
    """
    said = describe(outsiders, classes)
    conflict = next((each for each in duplicates if each.label != label), None)
    if conflict:
        return "near-duplicate", f"{_copy(conflict)}, and its label is {classes[conflict.label]}. {said}"
    if outsiders.models < FEWEST_MODELS and not duplicates:
        return "unclear", f"Only {outsiders.models} models never saw it, too few to tell. {said}"
    rival = agreed_rival(label, outsiders)
    if rival is not None:
        agree = f"{outsiders.counts[rival]} of {outsiders.models} models that never saw it"
        said = f"{agree} say {classes[rival]}, not {classes[label]}"
        if not rival_distance > 1:
            near = sum(each.label == rival for each in neighbours)
            too = f", and {near} of its {len(neighbours)} nearest training examples have that label" if near else ""
            return "label suspect", f"{said}{too}."
        said += f", but it is so far from the nearest {classes[rival]} examples that it would be an outlier there."
    if duplicates:
        return "near-duplicate", f"{_copy(duplicates[0])}, with the same label. {said}"
    wrong = outsiders.share(label) <= WRONG
    if wrong and remoteness >= REMOTE:
        distance = f"It is farther from the {USUAL_NEIGHBOURS} nearest {classes[label]} examples"
        return "atypical", f"{distance} than {_percent(remoteness)} of its class. {said}"
    if sum(count >= SPLIT * outsiders.models for count in outsiders.counts) >= 2:
        return "ambiguous", said
    return "unclear", said


def agreed_rival(label: int, outsiders: Outsiders) -> int | None:
    """Return the other label that models which never saw the example agree on; None when they are too few or split."""
    rival = outsiders.rival(label)
    agree = rival is not None and outsiders.models >= FEWEST_MODELS and outsiders.share(rival) >= AGREEMENT
    return rival if agree else None


def describe(outsiders: Outsiders, classes: Sequence[str]) -> str:
    """Return what the models that never saw it say, most frequent answer first."""
    if not outsiders.models:
        return "Every model was trained on it."
    order = np.argsort([-count for count in outsiders.counts], kind="stable")
    parts = [f"{outsiders.counts[at]} {classes[at]}" for at in order if outsiders.counts[at]]
    return f"Of {outsiders.models} models that never saw it: {', '.join(parts)}."


def _copy(other: Neighbour) -> str:
    change = f", {other.change}," if other.change else ""
    return f"{'An exact copy' if other.distance == 0 else 'A near-duplicate'}{change} is {other.id}"


def _percent(share: float) -> str:
    return f"{min(int(100 * share), 99)} %"
