"""Why a text is memorized: one cause by fixed rules, and the sentence that states the evidence."""

from collections.abc import Sequence

from byrote.explain.causes import FEWEST_MODELS, REMOTE, Cause, describe_copy, models, percent_closer, too_few
from byrote.explain.neighbours import Neighbour
from byrote.explain.out_texts import OutTexts

TEXT_CAUSES: dict[Cause, str] = {
    "near-duplicate": "Another example is almost the same. Check whether both belong in the data.",
    "atypical": "Models not trained on it find it harder than nine tenths of the training texts: little else in the data is like it.",
    "unclear": "No rule applies. The evidence is shown as it is.",
}
"""Every cause in a language task, with its meaning in one line."""


def find_text_cause(said: OutTexts, duplicates: Sequence[Neighbour]) -> tuple[Cause, str]:
    """Return the first rule that applies, and its evidence. In order: near-duplicate, atypical, unclear."""
    evidence = describe_text(said)
    if duplicates:
        return "near-duplicate", f"{describe_copy(duplicates[0])}. {evidence}"
    if said.models < FEWEST_MODELS:
        return "unclear", f"{too_few(said.models)} {evidence}"
    return ("atypical" if said.harder >= REMOTE else "unclear"), evidence


def describe_text(said: OutTexts) -> str:
    """Return what models not trained on a text say of it, in a sentence."""
    if not said.models:
        return "Every model was trained on it."
    return (
        f"{models(said.models).capitalize()} not trained on it {'ranks' if said.models == 1 else 'rank'} {100 * said.token_accuracy:.0f} % of its tokens first and "
        f"{'needs' if said.models == 1 else 'need'} {said.loss:.2f} nats for a token, more than for {percent_closer(said.harder)} of the training texts."
    )
