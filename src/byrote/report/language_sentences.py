"""What a language model gives back, in sentences: one for a lawyer first, then what it rests on and what it does not show."""

import math

from byrote.findings.language import CHANCE, SAMPLES, LanguageFindings
from byrote.lm.extraction import ExtractionRate
from byrote.report.numbers import count, percent, percent_text
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured


def language_sentences(found: LanguageFindings) -> list[str]:
    """Return what was found, the most important first."""
    sentences = [headline(found), _recited(found), *_kinds(found), _sampled(found)]
    sentences += [_untrained(found), *_copies(found), *_membership(found), *_secrets(found), *_shared(found)]
    return [each for each in sentences if each]


def headline(found: LanguageFindings) -> str:
    """Return the answer in one sentence: whether the model recites its training text more than text it never saw."""
    best = strongest(found)
    above = best.above_control
    lengths = f"given {count(best.prefix, 'token')} of a passage of its training text"
    if math.isnan(above.value):
        if not found.extracted:
            return f"Nothing was recited: {lengths}, the model gave back none of {best.greedy.n:,} passages word for word. No control text was given."
        return f"Whether this is memorization is not known: {lengths}, the model gives back {percent_text(best.greedy)} word for word, and no control text was given to compare with."
    if (best.prefix, best.suffix) in found.named:
        return f"The model recites its training text: {lengths}, it gives back the next {best.suffix} word for word in {percent_text(best.greedy)} of the cases, and in {percent_text(best.control)} of text that it was not trained on."
    return f"That the model recites its training text is not shown: {lengths}, it gives back the next {best.suffix} word for word in {percent_text(best.greedy)} of the cases, and in {percent_text(best.control)} of text that it was not trained on."


def strongest(found: LanguageFindings) -> ExtractionRate:
    """Return the rate that the headline is about: of the longest suffix that is shown to be recited, else of the longest."""
    compared = [each for each in found.rates if not math.isnan(each.above_control.value)]
    shown = [each for each in compared if (each.prefix, each.suffix) in found.named]
    shown = shown or [each for each in found.rates if not compared and each.greedy.value > 0]
    return max(shown, key=lambda each: (each.suffix, each.prefix), default=found.headline)


def _recited(found: LanguageFindings) -> str:
    if not found.extracted:
        return ""
    of = found.headline
    copies = "" if found.distinct == found.extracted else f", with {count(found.distinct, 'different text')}"
    return f"With {of.prefix} tokens given and {of.suffix} asked for, {count(found.extracted, 'passage')} of {of.greedy.n:,} are recited{copies}."


def _kinds(found: LanguageFindings) -> list[str]:
    if not found.extracted:
        return []
    names = {
        "recite": "stand more than five times in the training text (recited)",
        "reconstruct": "are predictable without it: counting, templates, copies of what was given (reconstructed)",
        "recollect": "are rare and not predictable, so only memory explains them (recollected)",
    }
    parts = [f"{percent_text(size)} {names[kind]}" for kind, size in found.kinds if size.value > 0]
    return [f"Of the recited passages {'; '.join(parts)}."]


def _sampled(found: LanguageFindings) -> str:
    of = found.headline
    return (
        f"When text is drawn ({found.audit.about['sampling']}), {SAMPLES} tries contain the passage with a chance of {percent(CHANCE)} or more for {percent_text(of.discoverable)} of the passages"
        + (
            "."
            if math.isnan(of.control_discoverable.value)
            else f", and for {percent_text(of.control_discoverable)} of the control text."
        )
    )


def _untrained(found: LanguageFindings) -> str:
    if isinstance(found.untrained, NotMeasured):
        return f"An untrained model was not asked. {found.untrained.reason}"
    return f"The same network with random weights gives back {percent_text(found.untrained)}."


def _copies(found: LanguageFindings) -> list[str]:
    rows = [each for each in found.by_copies if each.greedy.n >= 5]
    if len(rows) < 2 or not found.extracted:
        return []
    first, last = rows[0], rows[-1]
    return [
        f"Repeats matter: of passages that stand {_times(first.least_copies, first.most_copies)} in the training text {percent_text(first.greedy)} are recited, of those that stand {_times(last.least_copies, last.most_copies)} {percent_text(last.greedy)}."
        if last.greedy.low > first.greedy.high
        else f"That repeats matter is not shown: {percent_text(first.greedy)} of passages that stand {_times(first.least_copies, first.most_copies)} in the training text are recited, and {percent_text(last.greedy)} of those that stand {_times(last.least_copies, last.most_copies)}."
    ]


def _times(least: int, most: int) -> str:
    return "once" if most == 1 else f"{least} to {most} times" if least < most else f"{least} times"


def _membership(found: LanguageFindings) -> list[str]:
    if isinstance(found.membership, NotMeasured):
        return (
            []
            if "No control" in found.membership.reason
            else [f"Membership was not attacked. {found.membership.reason}"]
        )
    best = max(found.membership.attacks, key=lambda each: each.auroc.value)
    said = [
        f"Passages of the training text can be told from control text by {best.name} with an AUROC of {_auroc(best.auroc)} (.5 is chance; the best of {len(found.membership.attacks)} attacks, so a little too good)."
    ]
    blind = found.membership.blind
    if not isinstance(blind, NotMeasured):
        said.append(blind.warning or f"The words of the texts alone, without the model, give {_auroc(blind.words)}.")
    return said


def _auroc(size: Estimate) -> str:
    return f"{size.value:.2f} [{size.low:.2f}, {size.high:.2f}]"


def _secrets(found: LanguageFindings) -> list[str]:
    if isinstance(found.secrets, NotMeasured):
        return []
    most = max(found.secrets.by_copies, key=lambda each: each[2].value)
    said = [
        f"Planted secrets: exposure of {most[0]} with {count(most[1], 'copy', 'copies')} is {most[2].value:.1f} bits [{most[2].low:.1f}, {most[2].high:.1f}] (1.44 is none)."
    ]
    null = found.secrets.null
    if not isinstance(null, NotMeasured):
        verdict = (
            "as it has to be" if null.p_value >= 0.05 else "which it should not be: do not trust the other exposures"
        )
        said.append(
            f"Secrets that were never planted have {null.mean.value:.2f} bits [{null.mean.low:.2f}, {null.mean.high:.2f}], {verdict} (p = {null.p_value:.2f})."
        )
    return said


def _shared(found: LanguageFindings) -> list[str]:
    if not found.shared:
        return []
    return [
        f"{count(found.shared, 'control passage')} stand in the training text too. They are left out; check how the control text was chosen."
    ]
