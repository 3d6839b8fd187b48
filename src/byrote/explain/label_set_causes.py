"""Why an example with several labels is memorized: one cause by fixed rules, and the sentence that states the evidence."""

from collections.abc import Sequence

import numpy as np

from byrote.explain.causes import (
    AGREEMENT,
    FEWEST_MODELS,
    REMOTE,
    SPLIT,
    WRONG,
    Cause,
    describe_copy,
    models,
    percent_closer,
    too_few,
)
from byrote.explain.neighbours import USUAL_NEIGHBOURS, Neighbour
from byrote.explain.out_labels import OutLabels

LABEL_SET_CAUSES: dict[Cause, str] = {
    "label suspect": "At least one of its labels contradicts what the other examples say: models not trained on it agree on the other value, and its input is no outlier. Look at these labels.",
    "near-duplicate": "Another example is almost the same. Check whether both belong in the data.",
    "atypical": "Its input lies far from all others, and at most half of the models not trained on it predict all its labels right.",
    "ambiguous": "Models not trained on it are split about at least one of its labels.",
    "unclear": "No rule applies. The evidence is shown as it is.",
}
"""Every cause in a multilabel task, with its meaning in one line."""


def find_label_set_cause(
    predictions: OutLabels,
    duplicates: Sequence[tuple[Neighbour, bool]],
    remoteness: float,
    *,
    outlying: float,
    names: Sequence[str],
) -> tuple[Cause, str]:
    """Return the first rule that applies, and its evidence.

    In order: a near-duplicate with other labels, label suspect, a near-duplicate with the same labels, atypical,
    ambiguous, unclear. `duplicates` come with whether their labels differ. Above 1, `outlying` says that the input is an
    outlier among all examples; it is NaN, and decides nothing, where no inputs were kept.
    """
    evidence = describe_labels(predictions, names)
    conflict = next((each for each, differs in duplicates if differs), None)
    if conflict:
        return "near-duplicate", f"{describe_copy(conflict)}, and its labels differ. {evidence}"
    if predictions.models < FEWEST_MODELS and not duplicates:
        return "unclear", f"{too_few(predictions.models)} {evidence}"
    if suspects(predictions) and not outlying > 1:
        return "label suspect", evidence
    if duplicates:
        return "near-duplicate", f"{describe_copy(duplicates[0][0])}, with the same labels. {evidence}"
    if predictions.all_right <= WRONG * predictions.models and remoteness >= REMOTE:
        far = f"It is farther from the {USUAL_NEIGHBOURS} nearest examples than {percent_closer(remoteness)} of the others."
        return "atypical", f"{far} {evidence}"
    wrong = [predictions.wrong_share(at) for at in range(len(predictions.right))]
    if any(SPLIT <= share <= 1 - SPLIT for share in wrong):
        return "ambiguous", evidence
    return "unclear", evidence


def suspects(predictions: OutLabels) -> tuple[int, ...]:
    """Return the labels that at least the share AGREEMENT of the OUT models predict otherwise; none when models are too few."""
    if predictions.models < FEWEST_MODELS:
        return ()
    return tuple(at for at in range(len(predictions.right)) if predictions.wrong_share(at) >= AGREEMENT)


def describe_labels(predictions: OutLabels, names: Sequence[str]) -> str:
    """Return with which labels the OUT models disagree, most disagreement first."""
    if not predictions.models:
        return "Every model was trained on it."
    wrong = [predictions.models - right for right in predictions.right]
    order = [at for at in np.argsort([-count for count in wrong], kind="stable") if wrong[at]]
    if not order:
        if predictions.models == 1:
            return "The one model not trained on it predicts its labels."
        return f"All {predictions.models} models not trained on it predict its labels."
    parts = [f"{wrong[at]} about {names[at]}" for at in order]
    verb = "disagrees" if wrong[order[0]] == 1 else "disagree"
    parts[0] = parts[0].replace(" about", f" {verb} about", 1)
    return f"Of {models(predictions.models)} not trained on it, {', '.join(parts)}."
