"""What a language model gives back, in sentences: one for a lawyer first, then what it rests on and what it does not show."""

import math
from collections.abc import Sequence

from byrote.findings.language import CHANCE, SAMPLES, ComparedModel, LanguageFindings, compared
from byrote.findings.model_causes import opposite
from byrote.report.numbers import count, percent, percent_text
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured


def language_sentences(found: LanguageFindings) -> list[str]:
    """Return what was found, the most important first."""
    sentences = [headline(found), _recited(found), *_kinds(found), _sampled(found)]
    sentences += [
        *_first(found),
        _untrained(found),
        *_copies(found),
        *_membership(found),
        *_secrets(found),
        *_shared(found),
    ]
    return [each for each in sentences if each]


def compared_sentences(found: Sequence[LanguageFindings]) -> list[str]:
    """Return what each further model recites beside the first, and what it costs; none for a single audit."""
    return [_beside(each) for each in compared(found)[1:]] if len(found) > 1 else []


def _beside(each: ComparedModel) -> str:
    if each.fewer.low > 0:
        said = f"recites less: {percent_text(each.recited)}, {_points(each.fewer)} points fewer"
    elif each.fewer.high < 0:
        said = f"recites more: {percent_text(each.recited)}, {_points(opposite(each.fewer))} points more"
    else:
        said = f"is not shown to recite less or more: {percent_text(each.recited)}"
    secrets = "; ".join(
        f"exposure of {family} with {copies} copies {exposure_text(size, (family, copies) in each.at_least)}"
        for family, copies, size in each.exposure
    )
    cost = (
        ""
        if math.isnan(each.loss_change.value)
        else f" Loss on control text {each.loss_change.value:+.3f} nats per token [{each.loss_change.low:+.3f}, {each.loss_change.high:+.3f}]."
    )
    return f"{each.name} {said}{'; ' + secrets if secrets else ''}.{cost}"


def exposure_text(size: Estimate, at_least: bool) -> str:
    """Return an exposure in bits with its interval, or as a lower bound."""
    if at_least:
        return f"at least {size.value if math.isnan(size.low) else size.low:.1f} bits"
    return f"{size.value:.1f} bits [{size.low:.1f}, {size.high:.1f}]"


def _points(size: Estimate) -> str:
    return f"{100 * size.value:.1f} [{100 * size.low:.1f}, {100 * size.high:.1f}]"


def headline(found: LanguageFindings) -> str:
    """Return the answer in one sentence: whether the model recites its training text more than text it never saw."""
    best = found.headline
    above = best.above_control
    lengths = f"given {count(best.prefix, 'token')} of a passage of its training text"
    if math.isnan(above.value):
        if not found.extracted:
            return f"Nothing was recited: {lengths}, the model gave back none of {best.greedy.n:,} passages word for word. No control text was given."
        return f"Whether this is memorization is not known: {lengths}, the model gives back {percent_text(best.greedy)} word for word, and no control text was given to compare with."
    if (best.prefix, best.suffix) in found.named:
        return f"The model recites its training text: {lengths}, it gives back the next {best.suffix} word for word in {percent_text(best.greedy)} of the cases, and in {percent_text(best.control)} of text that it was not trained on."
    return f"That the model recites its training text is not shown: {lengths}, it gives back the next {best.suffix} word for word in {percent_text(best.greedy)} of the cases, and in {percent_text(best.control)} of text that it was not trained on."


def _recited(found: LanguageFindings) -> str:
    if not found.extracted:
        return ""
    of = found.longest
    copies = "" if found.distinct == found.extracted else f", with {count(found.distinct, 'different text')}"
    return f"With {of.prefix} tokens given and {of.suffix} asked for, {count(found.extracted, 'passage')} of {of.greedy.n:,} are recited{copies}."


def _kinds(found: LanguageFindings) -> list[str]:
    if not found.extracted:
        return []
    names = {
        "recite": "stand more than five times in the training text (recited)",
        "reconstruct": "are predictable without it: counting, templates, copies of what was given (reconstructed)",
        "recollect": "are neither repeated often nor predictable by the checks that were made: counting, copying, n-grams (recollected)",
    }
    parts = [f"{percent_text(size)} {names[kind]}" for kind, size in found.kinds if size.value > 0]
    return [f"Of the recited passages {'; '.join(parts)}."]


def _sampled(found: LanguageFindings) -> str:
    of = found.longest
    return (
        f"When the next {of.suffix} tokens are drawn ({found.audit.about['sampling']}), {SAMPLES} tries contain the passage with a chance of {percent(CHANCE)} or more for {percent_text(of.discoverable)} of the passages"
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


def _first(found: LanguageFindings) -> list[str]:
    """Return which first token was put in front, where that is not what the tokenizer names."""
    front = found.audit.about["first"]
    if front["id"] == front["named"] or not front["tried"]:
        return []
    token = "nothing" if front["id"] is None else f"the token {front['id']}"
    named = "nothing" if front["named"] is None else f"the token {front['named']}"
    return [
        f"Passages were asked with {token} in front, not with {named} as the tokenizer says: the beginnings of documents are then more probable (loss {front['tried'][str(front['id'])]:.2f} against {front['tried'][str(front['named'])]:.2f} nats per token). --first sets it."
    ]


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
        f"Passages of the training text can be told from control text by {best.name} with an AUROC of {_auroc(best.auroc)} (.5 is chance; the best of {len(found.membership.attacks)} attacks, whose intervals hold at once)."
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
    most = max(copies for _, copies, _ in found.secrets.by_copies)
    said = [
        f"Planted secrets: exposure of {family} with {count(copies, 'copy', 'copies')} is {exposure_text(size, (family, copies) in found.secrets.at_least)} (1.44 is none)."
        for family, copies, size in found.secrets.by_copies
        if copies == most
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
        f"The end of {count(found.shared, 'control passage')} stands in the training text too. They count like all others, because such text may repeat itself by its nature. If they are there by mistake, choose other control text: with them, memorization looks smaller."
    ]
