"""Why an example is memorized: one cause by fixed rules, and the sentence that states the evidence."""

import math
from collections.abc import Sequence
from typing import Literal

from byrote.explain.neighbours import USUAL_NEIGHBOURS, Neighbour
from byrote.explain.out_predictions import OutPredictions

Cause = Literal["label suspect", "target suspect", "near-duplicate", "ambiguous", "atypical", "unclear"]

CAUSES: dict[Cause, str] = {
    "label suspect": "Its label contradicts what the other examples say: models not trained on it agree on another label, and it is no outlier among the examples of that label. Not every such label is wrong. Look at the example.",
    "near-duplicate": "Another example is almost the same. Check whether both belong in the data.",
    "atypical": "It lies far from the other examples of its label, and at most half of the models not trained on it are right.",
    "ambiguous": "Models not trained on it are split between labels. It may have no single right label.",
    "unclear": "No rule applies. The evidence is shown as it is.",
}
"""Every cause of a classification, with its meaning in one line."""

CONFIRMED = (
    "On the test images of MNIST, 15 % of the labels that this rule names are confirmed as wrong by people, and 23 to 29 % "
    "of those that people judged. Planted wrong labels are easier to find than real ones."
)
"""How often the rule "label suspect" is right on real labels."""

AGREEMENT = 0.8
"""Label suspect: at least this share of the models not trained on it predict the same other label, and it is no outlier there."""

SPLIT = 0.25
"""Ambiguous: at least two labels are each predicted by at least this share of the models not trained on it."""

REMOTE = 0.9
"""Atypical: farther from the nearest examples of its own label than this share of its class ..."""

WRONG = 0.5
"""... and at most this share of the models not trained on it are right."""

FEWEST_MODELS = 3
"""With fewer models not trained on an example, their predictions are no evidence."""


def runs_for_causes(runs: int, left_out: float) -> int:
    """Return about how many runs in all it takes until most examples are left out of FEWEST_MODELS, if so many of `runs` were."""
    return math.ceil((FEWEST_MODELS + 1) * runs / max(left_out, 0.1))


def find_cause(
    label: int,
    out_predictions: OutPredictions,
    duplicates: Sequence[Neighbour],
    remoteness: float,
    *,
    alternative_distance: float = float("nan"),
    neighbours: Sequence[Neighbour] = (),
    classes: Sequence[str],
) -> tuple[Cause, str]:
    """Return the first rule that applies, and its evidence in one sentence.

    In order: a near-duplicate with another label, label suspect, a near-duplicate with the same label,
    atypical, ambiguous, unclear. `remoteness` is NaN where no inputs were kept: then nothing is atypical.
    `alternative_distance` is the distance to the nearest examples of the other label that models predict most. Beyond 1 the
    example would be an outlier there, so agreement on that label is weak evidence. NaN is unknown and decides nothing.
    `neighbours` decide nothing; those with the predicted label are counted in the evidence.
    """
    predicted = describe(out_predictions, classes)
    conflict = next((each for each in duplicates if each.label != label), None)
    if conflict:
        return "near-duplicate", f"{describe_copy(conflict)}, and its label is {classes[conflict.label]}. {predicted}"
    if out_predictions.models < FEWEST_MODELS and not duplicates:
        return "unclear", f"{too_few(out_predictions.models)} {predicted}"
    alternative = agreed_alternative(label, out_predictions)
    if alternative is not None:
        predicted = f"{_agreement(out_predictions, alternative)} predict {classes[alternative]}, not {classes[label]}"
        if not alternative_distance > 1:
            return "label suspect", f"{predicted}{_support(neighbours, alternative, classes)}."
        predicted += f", but it would be an outlier among the {classes[alternative]} examples."
    if duplicates:
        return "near-duplicate", f"{describe_copy(duplicates[0])}, with the same label. {predicted}"
    if out_predictions.share(label) <= WRONG and remoteness >= REMOTE:
        distance = f"It is farther from the {USUAL_NEIGHBOURS} nearest {classes[label]} examples"
        return "atypical", f"{distance} than {percent_closer(remoteness)} of its class. {predicted}"
    if sum(count >= SPLIT * out_predictions.models for count in out_predictions.counts) >= 2:
        return "ambiguous", predicted
    return "unclear", predicted


def agreed_alternative(label: int, out_predictions: OutPredictions) -> int | None:
    """Return the other label that models not trained on the example agree on; None when they are too few or split."""
    alternative = out_predictions.alternative(label)
    if alternative is None or out_predictions.models < FEWEST_MODELS:
        return None
    return alternative if out_predictions.share(alternative) >= AGREEMENT else None


def describe(out_predictions: OutPredictions, classes: Sequence[str]) -> str:
    """Return what the models not trained on an example predict, most frequent label first."""
    if not out_predictions.models:
        return "Every model was trained on it."
    predicted = [(count, at) for at, count in enumerate(out_predictions.counts) if count]
    parts = [f"{classes[at]} ({count})" for count, at in sorted(predicted, key=lambda each: -each[0])]
    return f"Predicted by {models(out_predictions.models)} not trained on it: {', '.join(parts)}."


def models(count: int) -> str:
    """Return a number of models: `1 model`, `4 models`."""
    return f"{count} model{'' if count == 1 else 's'}"


def too_few(count: int) -> str:
    """Return the sentence about an example that so few models were not trained on that its cause is not decided."""
    return f"Only {models(count)} {'was' if count == 1 else 'were'} not trained on it, too few to decide."


def _agreement(out_predictions: OutPredictions, alternative: int) -> str:
    return f"{out_predictions.counts[alternative]} of {out_predictions.models} models not trained on it"


def _support(neighbours: Sequence[Neighbour], alternative: int, classes: Sequence[str]) -> str:
    near = sum(each.label == alternative for each in neighbours)
    if not near:
        return ""
    have = "has" if near == 1 else "have"
    return f", and {near} of its {len(neighbours)} nearest training examples {have} the label {classes[alternative]}"


def describe_copy(other: Neighbour) -> str:
    """Return which example is a near-duplicate, and how it was changed."""
    change = f", {other.change}," if other.change else ""
    return f"{'An exact copy' if other.distance == 0 else 'A near-duplicate'}{change} is {other.id}"


def percent_closer(share: float) -> str:
    """Return a share of other examples in whole percent, at most 99: no example is farther than itself."""
    return f"{min(int(100 * share), 99)} %"
