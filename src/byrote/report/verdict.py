"""The verdict in plain words: the same sentences in the terminal and at the top of the page."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from byrote.evidence.evaluate import LEVEL
from byrote.explain.causes import FEWEST_MODELS, runs_for_causes
from byrote.findings.accuracy import Accuracies
from byrote.findings.canary_check import Detection
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
    right,
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

MOST = 0.5
"""Share of the examples that pass the false-discovery rate above which the list of them singles nobody out."""

COMMON = 1.5
"""The commonest class has at least so many times its share among equally common classes where they are called unequal."""

PRIVACY = "Low measured memorization is not privacy: another attack, or more runs, may find what this audit did not."


@dataclass(frozen=True)
class Verdict:
    """The six sentences of the verdict, in their order: what happened, how sure that is, what to do next, then the checks.

    `accuracy` holds the gap, or that nothing was learned. `certainty` holds how many examples are memorized, unless the
    interval of the gap holds 0, and how well the values would repeat.
    """

    accuracy: str
    certainty: str
    next: str
    canaries: str
    membership: str
    privacy: str

    @property
    def sentences(self) -> list[str]:
        """The sentences, most important first."""
        return [getattr(self, field.name) for field in fields(self)]


def verdict(found: Findings) -> Verdict:
    """Return the verdict on an audit; what was not measured is named with the reason."""
    return Verdict(
        accuracy=_accuracy(found),
        certainty=f"{_certainty(found)}{_without(found)}",
        next=f"{_next(found)}{_unjudged(found)}",
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
    learned = f"{right_text(numbers.learned, words)} on examples that a model was trained on{how}"
    source = f"(mean of {behind(numbers.learned)})" if numbers.learned.unit == "run" else "(one run)"
    if numbers.learned_nothing:
        return (
            f"The models learned nothing that shows: {words.right} {learned} {source}, which is not above the "
            f"{right(numbers.baseline, words)} of {words.baseline}."
        )
    learned = f"{words.heading}: {learned}"
    if isinstance(numbers.held_out, Estimate):
        return f"{learned}, {right_text(numbers.held_out, words)} on training examples left out{_balanced(found)} {source}{_gap(numbers, words)}"
    if isinstance(numbers.tested, Estimate):
        return f"{learned}, {right_text(numbers.tested, words)} on test examples {source}."
    return f"{learned} {source}. On other examples it was not measured. {numbers.tested.reason}"


def _balanced(found: Findings) -> str:
    """Say what the mean over classes is where one class is so common that accuracy hides the others."""
    numbers = found.accuracies
    if isinstance(numbers.balanced, NotMeasured) or numbers.baseline * len(numbers.classes) < COMMON:
        return ""
    return f" ({percent_text(numbers.balanced)} as a mean over classes; the commonest is {percent(numbers.baseline)} of the examples)"


def _gap(found: Accuracies, words: Vocabulary) -> str:
    if isinstance(found.gap, NotMeasured):
        return f". The generalization gap was not measured. {found.gap.reason}"
    gap = difference_text(found.gap, words)
    return f"; the difference, {gap}, is the generalization gap, and up to chance the mean memorization of a training example."


def _certainty(found: Findings) -> str:
    memorized = found.memorized
    if isinstance(memorized, NotMeasured):
        return f"Memorization of single examples was not measured. {memorized.reason}"
    if found.accuracies.learned_nothing:
        return "So nothing can be memorized, and no example is listed."
    if found.accuracies.gap_holds_zero:
        shares = "The interval of the gap holds 0, so these runs do not show that anything was memorized"
    elif memorized.above:
        low, high = memorized.above
        shares = (
            f"{percent_text(low.share)} of the training examples have a memorization above {low.threshold:g} "
            f"and {percent_text(high.share)} above {high.threshold:g} (1: known only by rote; the intervals are cautious, "
            "and held the true share in 98 to 100 % of simulated records)"
        )
    else:
        shares = f"The mean memorization of a training example is {text(memorized.mean)}, estimated over examples, and the gap over runs"
    if isinstance(memorized.reliability, NotMeasured):
        return f"{shares}. The reliability of these values was not measured. {memorized.reliability.reason}"
    meant = f"(1: exact; the correlation to expect with values from {memorized.runs} new runs)"
    if memorized.estimator == str(shrunk_memorization):
        about = f"{memorized.reliability.value:.2f}"
        meant = "their squared correlation with the true ones; the estimate is mostly cautious"
        return f"{shares}. The reliability of these values is about {about} ({meant})."
    return f"{shares}. The reliability of these values is {text(memorized.reliability)} {meant}."


def _without(found: Findings) -> str:
    """Say how many training examples have no memorization, where there are any."""
    memorized = found.memorized
    if isinstance(memorized, NotMeasured) or not memorized.undefined:
        return ""
    have = "has" if memorized.undefined == 1 else "have"
    return f" {count(memorized.undefined, 'training example')} {have} no value: all runs were trained on {'it' if memorized.undefined == 1 else 'them'}, or none."


def _next(found: Findings) -> str:
    memorized = found.memorized
    if found.accuracies.learned_nothing:
        settings = "settings of what is fitted" if found.unit == "fit" else "learning rate and the number of epochs"
        return f"Next: check the {found.words.targets} and the {settings}, until models do better on examples that they were trained on."
    if isinstance(memorized, NotMeasured):
        return "Next: collect runs that are trained on different parts of the data, so that single examples can be compared."
    rate = f"a false-discovery rate of {100 * FDR:g}{PERCENT}"
    meant = f" (at most {100 * FDR:g}{PERCENT} of such a list are expected to be not memorized at all)"
    more = f"{4 * memorized.runs} runs in all would at best halve the median standard error of memorization"
    error = f" ({small(memorized.error)} after {memorized.runs} runs)" if np.isfinite(memorized.error) else ""
    if not memorized.listed:
        return f"Next: collect more runs, because no example passes {rate} yet; {more}{error}."
    if memorized.listed > MOST * memorized.defined:
        return f"{_most_pass(memorized, rate)} {more[0].upper()}{more[1:]}{error}."
    passes = f"{count(memorized.listed, 'example')} that {'passes' if memorized.listed == 1 else 'pass'} {rate}{meant}"
    return f"Next: look at the {passes}, the most memorized first; {more}{error}."


def _unjudged(found: Findings) -> str:
    """Say with how many runs labels and causes can be judged, where too few models left an example out."""
    memorized = found.memorized
    if (
        found.accuracies.learned_nothing
        or isinstance(memorized, NotMeasured)
        or not 0 < memorized.left_out < FEWEST_MODELS
    ):
        return ""
    enough = runs_for_causes(memorized.runs, memorized.left_out)
    return (
        f" Wrong {found.words.targets} and causes cannot be judged yet: that takes {FEWEST_MODELS} models that were not trained "
        f"on an example, and about {enough} runs in all."
    )


def _most_pass(memorized: MemorizationSummary, rate: str) -> str:
    """Say where to look when nearly all examples are memorized a little, as in a regression: among those above the mean."""
    which = f"examples whose memorization is above the mean of {small(memorized.mean.value)} with their whole 90{PERCENT} interval"
    expected = round((1 - LEVEL) / 2 * memorized.defined)
    known = f"{memorized.listed:,} of {count(memorized.defined, 'example')} pass {rate}"
    if memorized.above_mean <= expected:
        return f"Next: collect more runs, because {known}, and no more {which} than chance gives ({memorized.above_mean:,}; chance: {expected:,})."
    few = f"the {memorized.above_mean:,} {which} (by chance {expected:,} would be), the surest first"
    return f"Next: look at {few}: {known}, so that alone sets none of them apart."


def _canaries(found: Findings) -> str:
    if isinstance(found.detection, NotMeasured):
        return found.detection.reason
    planted = found.planted.get("mislabeled", 0)
    check = f"Check on {count(planted, found.words.wrong_target)} planted for this audit:"
    quoted = " and ".join(f"{text(size)} by {name}" for name, size in _quoted(found.detection))
    if quoted:
        result = f"one of them ranks above a real example with probability {quoted} (chance: 0.50)."
    else:
        result = "neither memorization nor mean_confidence has values for them."
    return f"{check} {result}{_unlearned(found)}"


def _quoted(found: Sequence[Detection]) -> list[tuple[str, Estimate]]:
    """Return the best estimate of memorization, and mean_confidence in one run, with their AUROC, as the page names them."""
    names = (str(shrunk_memorization), str(memorization))  # the better one first
    causal = sorted((each for each in found if each.score in names), key=lambda each: names.index(each.score))
    cheap = (each for each in found if each.score == str(mean_confidence))
    quoted = [
        *((each.score, each.auroc) for each in causal[:1]),
        *((f"{each.score} in one run", each.one_run) for each in cheap),
    ]
    return [(name, size) for name, size in quoted if isinstance(size, Estimate)]


def _unlearned(found: Findings) -> str:
    """Say so when the models did not learn the wrong targets: then memorization cannot find them."""
    kinds, words = () if isinstance(found.kinds, NotMeasured) else found.kinds, found.words
    wrong = next((kind for kind in kinds if kind.kind == "mislabeled"), None)
    enough = LEARNED_LABELS if words.kind == "multilabel" else LEARNED
    if wrong is None or not wrong.correct_in.value < enough:
        return ""
    if (
        wrong.correct_in.value - wrong.correct_out.value >= LEARNED
    ):  # an R² below 0 may still be far above that of others
        return ""
    longer = "" if found.unit == "fit" else " Train for more epochs to measure the effect of longer training."
    relabel = " `byrote relabel` asks models that were not trained on an example, and needs no memorization."
    hint = relabel if words.kind == "classification" else ""
    learned = (
        f"predict only {percent_text(wrong.correct_in)} of these labels"
        if words.kind == "classification"
        else f"reach {'an' if words.kind == 'regression' else 'a'} {words.right} of only {right_text(wrong.correct_in, words)} on them"
    )
    return (
        f" But models that were trained on them {learned}: they have "
        f"hardly memorized them, so memorization cannot find them.{hint}{longer}"
    )


def _membership(found: Membership | NotMeasured) -> str:
    if isinstance(found, NotMeasured):
        return f"Membership attacks were not run. {found.reason}"
    best, at = found.strongest, found.strongest.at[0]
    rated = [each for each in found.attacks if not isinstance(each.at[0], NotMeasured)]
    alone = len(rated) == 1
    if isinstance(at, NotMeasured):
        return f"The membership attack {best.name} has an AUROC of {text(best.auroc)} (chance: 0.50). {at.reason}"
    chance = (
        ""
        if isinstance(found.shuffled, NotMeasured)
        else f"; with membership shuffled, {'it' if alone else 'the strongest'} finds {percent(found.shuffled)}"
    )
    who = (
        f"The membership attack {best.name}"
        if alone
        else f"The strongest of {len(rated)} membership attacks, {best.name},"
    )
    return (
        f"{who} finds {percent_text(at.tpr)} of the examples that a model was trained on "
        f"at a false-positive rate of {percent(at.fpr_realised.value)}{chance}.{_too_few(found)}"
    )


def _too_few(found: Membership) -> str:
    """Say which attacks have no rate: with few runs, those with shadow models judge few examples."""
    others = [each.name for each in found.attacks if isinstance(each.at[0], NotMeasured)]
    if not others:
        return ""
    runs = count(len(found.strongest.values.runs), "run")
    return f" {runs} are too few for such a rate of {', '.join(others)}."
