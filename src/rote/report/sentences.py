"""The verdict in plain words: the same sentences in the terminal and on top of the page."""

from rote.intervals import Estimate
from rote.report.accuracy import Accuracies
from rote.report.attack import LossAttack
from rote.report.findings import Findings
from rote.report.memorized import Memorized
from rote.report.panel import NotMeasured
from rote.report.thermometer import Detection
from rote.scores import memorization

PRIVACY = "Low measured memorization is not privacy: another attack, or more runs, may find what this audit did not."


def sentences(findings: Findings) -> list[str]:
    """Return the verdict, most important first; what was not measured is said with its reason."""
    return [
        _accuracy(findings.accuracies),
        *_memorization(findings.memorized),
        _canaries(findings),
        _attack(findings.attack),
        PRIVACY,
    ]


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal, without rounding up to all or down to nothing."""
    value = 100 * share
    if 99.95 <= value < 100:
        return "more than 99.9 %"
    return "less than 0.1 %" if 0 < value < 0.05 else f"{value:.1f} %"


def _accuracy(found: Accuracies) -> str:
    if isinstance(found.learned, NotMeasured):
        return f"How much was learned was not measured: {found.learned.reason}"
    how = " (counted while training)" if found.seen_only else ""
    learned = f"The models learned {percent(found.learned.value)} of what they were trained on{how}"
    if not isinstance(found.held_out, NotMeasured):
        rest = f"but got {percent(found.held_out.value)} right of the training examples they had not seen"
    elif not isinstance(found.tested, NotMeasured):
        rest = f"and got {percent(found.tested.value)} of the test examples right"
    else:
        return f"{learned}; what they make of unseen examples was not measured. {found.tested.reason}"
    if isinstance(found.gap, NotMeasured):
        return f"{learned}, {rest}. The gap was not measured. {found.gap.reason}"
    return f"{learned}, {rest}: a gap of {_points(found.gap)}, which is what they know by rote."


def _memorization(found: Memorized | NotMeasured) -> list[str]:
    if isinstance(found, NotMeasured):
        return [f"Memorization of single examples was not measured. {found.reason}"]
    low, high = found.above
    share = (
        f"{percent(high.share.value)} of the training examples measure above {high.threshold:g} "
        f"(1 is known only by rote) and {percent(low.share.value)} above {low.threshold:g}; "
        f"beyond doubt, with their whole interval, {percent(high.surely)} and {percent(low.surely)} do."
    )
    sure = f"One example's value has a standard error of about {found.error:.2f} after {found.runs} runs"
    again = (
        "." if isinstance(found.reliability, NotMeasured) else f"; {found.runs} new runs would correlate with these at {found.reliability.value:.2f}."
    )
    return [share, f"{sure}{again} Halving the error takes {found.runs_to_halve} runs."]


def _canaries(found: Findings) -> str:
    if isinstance(found.detection, NotMeasured):
        return found.detection.reason
    planted = found.planted.get("mislabeled", 0)
    causal = next((each for each in found.detection if each.score == str(memorization)), None)
    cheap = max((each for each in found.detection if each.one_run), key=_area, default=None)
    parts: list[str] = []
    if causal:
        parts.append(f"memorization ranks one of them above a real example {percent(causal.auroc.value)} of the time")
    if cheap:
        parts.append(f"the best score that needs one run only, {cheap.score}, does so {percent(_area(cheap))} of the time")
    return f"The audit checked itself on {planted} wrong labels it had planted: {', and '.join(parts)} (a coin: 50 %)."


def _attack(found: LossAttack | NotMeasured) -> str:
    if isinstance(found, NotMeasured):
        return f"The loss attack was not run. {found.reason}"
    at = found.at[0]
    if isinstance(at.point, NotMeasured):
        return f"The loss attack has an AUROC of {found.auroc.value:.2f} (.5 is chance). {at.point.reason}"
    return (
        f"The simplest membership attack (a low loss says: it was trained on this) finds {percent(at.point.tpr.value)} "
        f"of the members while accusing {percent(at.point.fpr_realised.value)} of the others wrongly; "
        f"guessing finds as many as it accuses."
    )


def _area(each: Detection) -> float:
    return each.one_run.value if each.one_run else float("nan")


def _points(gap: Estimate) -> str:
    return f"{100 * gap.value:.1f} points [{100 * gap.low:.1f}, {100 * gap.high:.1f}]"
