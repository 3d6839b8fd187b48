"""The verdict in plain words: the same sentences in the terminal and on top of the page."""

import numpy as np

from byrote.findings.accuracy import Accuracies
from byrote.findings.canary_check import Detection
from byrote.findings.findings import Findings
from byrote.findings.memorized import Memorized
from byrote.membership.attacks import Membership
from byrote.scores import mean_confidence, memorization, shrunk_memorization
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

LEARNED = 0.5
"""Below this share of wrong labels given back by models that were trained on them, they count as not learned."""

PERCENT = "\u00a0%"
"""The sign with a space that does not break."""

PRIVACY = "Low measured memorization is not privacy: another attack, or more runs, may find what this audit did not."


def sentences(findings: Findings) -> list[str]:
    """Return the verdict, most important first; what was not measured is said with its reason."""
    return [
        _accuracy(findings.accuracies),
        _gap(findings.accuracies),
        *_memorization(findings.memorized),
        _canaries(findings),
        _attack(findings.membership),
        PRIVACY,
    ]


def percent(share: float) -> str:
    """Return a share as a percentage, with as many decimals as keep it from looking like nothing or all."""
    value = 100 * share
    for digits in (1, 2, 3):
        text = f"{value:.{digits}f}"
        if 0 < abs(float(text)) < 100:
            return f"{text}{PERCENT}"
    return f"{value:.0f}{PERCENT}"


def small(number: float) -> str:
    """Return a number with two decimals, or with one digit where those would be 0."""
    return f"{number:.2f}" if number >= 0.005 or not number else f"{number:.1g}"


def _accuracy(found: Accuracies) -> str:
    if isinstance(found.learned, NotMeasured):
        return f"How much was learned was not measured: {found.learned.reason}"
    how = " (counted while training)" if found.seen_only else ""
    learned = f"The models learned {percent(found.learned.value)} of what they were trained on{how}"
    if not isinstance(found.held_out, NotMeasured):
        only = "but got only" if found.held_out.value < found.learned.value else "and got"
        rest = f"{only} {percent(found.held_out.value)} right of the training examples they had not seen"
    elif not isinstance(found.tested, NotMeasured):
        rest = f"and got {percent(found.tested.value)} of the test examples right"
    else:
        return f"{learned}; what they make of unseen examples was not measured. {found.tested.reason}"
    return f"{learned}, {rest}."


def _gap(found: Accuracies) -> str:
    if isinstance(found.gap, NotMeasured):
        return f"What they know by rote was not measured. {found.gap.reason}"
    low, high = 100 * found.gap.low, 100 * found.gap.high
    sure = "" if np.isnan(low) else f" [{low:.1f}, {high:.1f}]"
    return f"The gap between the two, {100 * found.gap.value:.1f} points{sure}, is what they know by rote."


def _memorization(found: Memorized | NotMeasured) -> list[str]:
    if isinstance(found, NotMeasured):
        return [f"Memorization of single examples was not measured. {found.reason}"]
    low, high = found.above
    share = (
        f"{percent(high.share.value)} of the training examples{_interval(high.share)} are memorized above {high.threshold:g} "
        f"(1 is known only by rote) and {percent(low.share.value)}{_interval(low.share)} above {low.threshold:g}. "
        f"{_named(found)}"
    )
    sure = f"One example's value has a standard error of about {small(found.error)} after {found.runs} runs"
    again = "."
    if not isinstance(found.reliability, NotMeasured):
        again = f"; {found.runs} new runs would correlate with these at {found.reliability.value:.2f}."
    return [share, f"{sure}{again} {4 * found.runs} runs would halve that error at best."]


def _named(found: Memorized) -> str:
    if not found.listed:
        return "None can be named yet, if at most a tenth is to be named wrongly: that takes more runs."
    return f"{found.listed:,} can be named, of whom a tenth is named wrongly at most, on average."


def _interval(share: Estimate) -> str:
    return "" if np.isnan(share.low) else f" [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _canaries(found: Findings) -> str:
    if isinstance(found.detection, NotMeasured):
        return found.detection.reason
    planted = found.planted.get("mislabeled", 0)
    names = (str(shrunk_memorization), str(memorization))  # the better one first
    causal = min(
        (each for each in found.detection if each.score in names), key=lambda e: names.index(e.score), default=None
    )
    cheap = next((each for each in found.detection if each.score == str(mean_confidence) and each.one_run), None)
    parts: list[str] = []
    if causal:
        parts.append(f"memorization ranks one of them above a real example {percent(causal.auroc.value)} of the time")
    if cheap:
        parts.append(f"{cheap.score}, which needs one run only, does so {percent(_area(cheap))} of the time")
    told = ", and ".join(parts) or "no score that this report quotes has values for them"
    return f"The audit checked itself on {planted} wrong labels it had planted: {told} (a coin: 50{PERCENT}).{_unlearned(found)}"


def _unlearned(found: Findings) -> str:
    """Say so when the models did not learn the wrong labels: then there is nothing to find by memorization."""
    kinds = () if isinstance(found.kinds, NotMeasured) else found.kinds
    wrong = next((kind for kind in kinds if kind.kind == "mislabeled"), None)
    if wrong is None or not wrong.inside.value < LEARNED:
        return ""
    return (
        f" But the models gave only {percent(wrong.inside.value)} of these labels even when trained on them: they have "
        "hardly memorized them, so memorization cannot find them. Train longer to measure what longer training would do."
    )


def _attack(found: Membership | NotMeasured) -> str:
    if isinstance(found, NotMeasured):
        return f"Membership attacks were not run. {found.reason}"
    best, at = found.strongest, found.strongest.at[0]
    if isinstance(at, NotMeasured):
        return f"The membership attack {best.name} has an AUROC of {best.auroc.value:.2f} (.5 is chance). {at.reason}"
    chance = "" if np.isnan(found.shuffled) else f"; with membership shuffled it finds {percent(found.shuffled)}"
    return (
        f"The strongest of {len(found.attacks)} membership attacks, {best.name}, finds {percent(at.tpr.value)} of those that a model "
        f"was trained on while accusing {percent(at.fpr_realised.value)} of the others wrongly{chance}."
    )


def _area(each: Detection) -> float:
    return each.one_run.value if each.one_run else float("nan")
