"""The verdict in plain words: the same sentences in the terminal and at the top of the page."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from byrote.explain import CAUSES_OF, Explanation
from byrote.findings.accuracy import Accuracies
from byrote.findings.canary_check import Detection
from byrote.findings.copies import Copies
from byrote.findings.findings import Findings
from byrote.findings.memorized import FDR, MemorizationSummary
from byrote.findings.vocabulary import Vocabulary
from byrote.membership.attacks import Membership
from byrote.report.numbers import (
    PERCENT,
    behind,
    count,
    difference_text,
    percent,
    percent_text,
    right_text,
    small,
    text,
)
from byrote.scores import mean_confidence, memorization, shrunk_memorization
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

LEARNED = 0.5
"""Share of the planted wrong labels (or R2 on wrong targets) below which models trained on them have not learned them."""

LEARNED_LABELS = 0.8
"""The same for the share of labels right in wrong label sets, which models get partly right without learning them."""

PRIVACY = "Low measured memorization is not privacy: another attack, or more runs, may find what this audit did not."


@dataclass(frozen=True)
class Verdict:
    """The sentences of the verdict, in the order in which they stand; None where one does not apply.

    `causes` and `copies` take more time to compute than the findings, so only the page has them.
    """

    accuracy: str
    gap: str
    memorized: str
    causes: str | None
    copies: str | None
    certainty: str | None
    canaries: str
    membership: str
    privacy: str

    @property
    def sentences(self) -> list[str]:
        """The sentences, most important first."""
        found = (getattr(self, field.name) for field in fields(self))
        return [sentence for sentence in found if sentence is not None]


def verdict(
    found: Findings,
    *,
    explained: Sequence[Explanation] = (),
    copies: Copies | NotMeasured | None = None,
) -> Verdict:
    """Return the verdict on an audit; what was not measured is named with the reason."""
    return Verdict(
        accuracy=_accuracy(found),
        gap=_gap(found.accuracies, found.words),
        memorized=_memorized(found.memorized),
        causes=_causes(explained, found.words) if explained else None,
        copies=_copies(copies) if isinstance(copies, Copies) and copies.found.examples else None,
        certainty=None if isinstance(found.memorized, NotMeasured) else _certainty(found.memorized),
        canaries=_canaries(found),
        membership=_membership(found.membership),
        privacy=PRIVACY,
    )


def sentences(found: Findings) -> list[str]:
    """Return the sentences of the verdict, most important first, as the terminal shows them."""
    return verdict(found).sentences


def _accuracy(found: Findings) -> str:
    numbers, words = found.accuracies, found.words
    if isinstance(numbers.learned, NotMeasured):
        return f"The {words.right} on training examples was not measured. {numbers.learned.reason}"
    how = " (measured during training)" if numbers.seen_only else ""
    learned = f"{words.heading}: {right_text(numbers.learned, words)} on examples that a model was trained on{how}"
    source = f"(mean of {behind(numbers.learned)})" if numbers.learned.unit == "run" else "(one run)"
    if isinstance(numbers.held_out, Estimate):
        return f"{learned}, {right_text(numbers.held_out, words)} on training examples left out {source}."
    if isinstance(numbers.tested, Estimate):
        return f"{learned}, {right_text(numbers.tested, words)} on test examples {source}."
    return f"{learned} {source}. On other examples it was not measured. {numbers.tested.reason}"


def _gap(found: Accuracies, words: Vocabulary) -> str:
    if isinstance(found.gap, NotMeasured):
        return f"The generalization gap was not measured. {found.gap.reason}"
    gap = difference_text(found.gap, words)
    return f"The difference of {gap} is the generalization gap. Up to chance it equals the mean memorization of the training examples."


def _memorized(found: MemorizationSummary | NotMeasured) -> str:
    if isinstance(found, NotMeasured):
        return f"Memorization of single examples was not measured. {found.reason}"
    rate = f"a false-discovery rate of {100 * FDR:g}{PERCENT}"
    listed = (
        f"{count(found.listed, 'example')} {'passes' if found.listed == 1 else 'pass'} {rate}."
        if found.listed
        else f"No example passes {rate} yet; that takes more runs."
    )
    if not found.above:
        return f"The mean memorization of a training example is {text(found.mean)}, estimated over examples, and the gap over runs. {listed}"
    low, high = found.above
    return (
        f"{percent_text(high.share)} of the training examples have a memorization above {high.threshold:g} "
        f"and {percent_text(low.share)} above {low.threshold:g} (1: known only by rote). {listed}"
    )


def _certainty(found: MemorizationSummary) -> str:
    error = (
        f"The memorization of one example has a median standard error of {small(found.error)} after {found.runs} runs"
        if np.isfinite(found.error)
        else f"The standard error of the memorization of one example is not known from {found.runs} runs"
    )
    if isinstance(found.reliability, NotMeasured):
        again = f"How well {found.runs} new runs would agree was not measured. {found.reliability.reason}"
    else:
        again = f"Values from {found.runs} new runs would correlate with these at {text(found.reliability)}."
    return f"{error}; {4 * found.runs} runs would halve it at best. {again}"


def _causes(explained: Sequence[Explanation], words: Vocabulary) -> str:
    counts = {cause: sum(each.cause == cause for each in explained) for cause in CAUSES_OF[words.kind]}
    named = ", ".join(f"{number} {cause}" for cause, number in counts.items() if number)
    return f"Causes of the {len(explained)} most memorized examples, by fixed rules: {named}."


def _copies(found: Copies) -> str:
    number = count(found.looked_at, "test example")
    has = "has" if len(found.found.examples) == 1 else "have"
    share = percent_text(found.found.share)
    return f"{len(found.found.examples):,} of {number} ({share}) {has} a near-duplicate in the training set."


def _canaries(found: Findings) -> str:
    if isinstance(found.detection, NotMeasured):
        return found.detection.reason
    planted = found.planted.get("mislabeled", 0)
    check = f"Check on {count(planted, found.words.wrong_target)} planted for this audit:"
    quoted = " and ".join(f"{text(size)} by {name}" for name, size in _quoted(found.detection))
    if quoted:
        result = f"one of them ranks above a real example with probability {quoted} (chance: 0.50)."
    else:
        result = "neither memorization nor mean confidence has values for them."
    return f"{check} {result}{_unlearned(found)}"


def _quoted(found: Sequence[Detection]) -> list[tuple[str, Estimate]]:
    """Return the best estimate of memorization, and the mean confidence of one run, with their AUROC."""
    names = (str(shrunk_memorization), str(memorization))  # the better one first
    causal = sorted((each for each in found if each.score in names), key=lambda each: names.index(each.score))
    cheap = (each for each in found if each.score == str(mean_confidence))
    quoted = [
        *(("memorization", each.auroc) for each in causal[:1]),
        *(("the mean confidence of one run", each.one_run) for each in cheap),
    ]
    return [(name, size) for name, size in quoted if isinstance(size, Estimate)]


def _unlearned(found: Findings) -> str:
    """Say so when the models did not learn the wrong targets: then memorization cannot find them."""
    kinds, words = () if isinstance(found.kinds, NotMeasured) else found.kinds, found.words
    wrong = next((kind for kind in kinds if kind.kind == "mislabeled"), None)
    enough = LEARNED_LABELS if words.kind == "multilabel" else LEARNED
    if wrong is None or not wrong.correct_in.value < enough:
        return ""
    learned = (
        f"predict only {percent_text(wrong.correct_in)} of these labels"
        if words.kind == "classification"
        else f"reach {'an' if words.kind == 'regression' else 'a'} {words.right} of only {right_text(wrong.correct_in, words)} on them"
    )
    return (
        f" But models that were trained on them {learned}: they have "
        "hardly memorized them, so memorization cannot find them. Train for more epochs to measure the effect of longer training."
    )


def _membership(found: Membership | NotMeasured) -> str:
    if isinstance(found, NotMeasured):
        return f"Membership attacks were not run. {found.reason}"
    best, at = found.strongest, found.strongest.at[0]
    if isinstance(at, NotMeasured):
        return f"The membership attack {best.name} has an AUROC of {text(best.auroc)} (chance: 0.50). {at.reason}"
    chance = "" if np.isnan(found.shuffled) else f"; with membership shuffled, the strongest finds {percent(found.shuffled)}"
    attacks = count(len(found.attacks), "membership attack")
    return (
        f"The strongest of {attacks}, {best.name}, finds {percent_text(at.tpr)} of the examples that a model was trained on "
        f"at a false-positive rate of {percent(at.fpr_realised.value)}{chance}."
    )
