"""Why a model memorizes, in plain words: the same sentences in the terminal and at the top of the page of `byrote causes`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from byrote.experiments.laws import PowerLaw
from byrote.experiments.model_causes import ModelCauses
from byrote.findings.model_causes import Help, helps
from byrote.findings.vocabulary import Vocabulary, vocabulary
from byrote.report.numbers import SPACE, count, difference_text, percent, percent_text, right_text
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

STOPPED = 0.01
"""Accuracy within this of its value at the end no longer rises in a way that matters."""


@dataclass(frozen=True)
class Why:
    """The answer, most important first: what is, what causes it, what would help, then each curve, and how far to trust it."""

    now: str
    causes: str
    shares: str
    help: str
    sizes: str
    widths: str
    time: str
    trust: str

    @property
    def sentences(self) -> list[str]:
        """The sentences in their order."""
        return [getattr(self, field.name) for field in fields(self)]


def why(found: ModelCauses) -> Why:
    """Return what the experiment says, in words."""
    words = vocabulary(found.plan.task.learned.name)
    return Why(
        _now(found, words),
        _causes(found, words),
        _shares(found, words),
        _help(found, words),
        _sizes(found),
        _widths(found, words),
        _time(found, words),
        _trust(found),
    )


def not_examined(found: ModelCauses) -> list[str]:
    """Return what was not examined and why, and which arms could not be trained."""
    failed = [f"{name} was left out of everything: {reason}" for name, reason in found.failed.items()]
    return [*failed, *found.plan.left_out]


def listed(texts: Sequence[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def where_measured(found: ModelCauses) -> str:
    """Return on what accuracy was measured."""
    return "test examples" if found.tested else "training examples left out"


def _now(found: ModelCauses, words: Vocabulary) -> str:
    gap, planted, good = (found.as_is(name) for name in ("gap", "canaries", "accuracy"))
    known = f" That is no gap beyond chance from {count(gap.n, 'run')}." if gap.low <= 0 else ""
    return (
        f"As it is, the model's {words.right} on examples that it was trained on minus that on others is {_size(gap, words)} "
        f"(the gap: 0 is no memorization).{known} Of planted {words.wrong_target}s it memorized {percent_text(planted) if words.is_share else f'{planted}'}. "
        f"Its {words.right} on {where_measured(found)} is {right_text(good, words)}."
    )


def _causes(found: ModelCauses, words: Vocabulary) -> str:
    gap = found.effects["gap"]
    if isinstance(gap, NotMeasured):
        return f"Causes were not measured. {gap.reason}"
    factors, named = found.plan.factors, sorted(found.named, key=lambda at: -abs(gap.main[at].value))
    said = [(at, f"{factors[at].cause} ({difference_text(gap.main[at], words, sign=True)})") for at in named]
    up, down = (
        [text for at, text in said if gap.main[at].value > 0],
        [text for at, text in said if gap.main[at].value < 0],
    )
    parts: list[str] = []
    if up:
        parts.append(f"What raises the gap here: {listed(up)}.")
    if down:
        parts.append(
            f"The opposite of what textbooks say: the gap is smaller with {listed(down)}; look at the {words.right} too."
        )
    if not named:
        largest = max(max(abs(each.low), abs(each.high)) for each in gap.main)
        parts.append(
            f"No cause is shown: no factor changes the gap beyond chance, and each effect lies within {_points(largest, words)} of 0."
        )
    rest = [factors[at].name for at in range(len(factors)) if at not in named]
    if named and rest:
        parts.append(f"Not shown to matter for it: {listed(rest)}.")
    return " ".join(parts)


def _shares(found: ModelCauses, words: Vocabulary) -> str:
    gap = found.effects["gap"]
    if isinstance(gap, NotMeasured):
        return "Shares were not measured."
    if gap.shares is None or gap.total.value < 0:
        return (
            f"From all factors low to all high the gap changes by {difference_text(gap.total, words, sign=True)}: "
            "that is too uncertain, or not a rise, so it is not divided into shares."
        )
    order = sorted(range(len(gap.shares)), key=lambda at: -gap.shares[at].value if gap.shares else 0.0)
    parts = [f"{found.plan.names[at]} {percent_text(gap.shares[at])}" for at in order]
    return (
        f"From all factors low to all high the gap rises by {difference_text(gap.total, words)}. Shares of that (Shapley values, "
        f"90{SPACE}% intervals): {', '.join(parts)}. They compare these changes, such as half of the data, and no other sizes of them."
    )


def _help(found: ModelCauses, words: Vocabulary) -> str:
    options = [each for each in helps(found) if each.shown]
    if not options:
        return "What would help: nothing that was tried is shown to make the gap smaller."
    first, *others = [_option(each, words) for each in options]
    extra = f" Also: {'; '.join(others)}." if others else ""
    labels = any(found.plan.factors[at].name == "noise" for at in found.named)
    hint = f" `byrote relabel` lists {words.targets} of yours that may be wrong." if labels else ""
    return f"What would help most: {first}.{extra}{hint}"


def _option(each: Help, words: Vocabulary) -> str:
    cost: list[str] = []
    if isinstance(each.accuracy, Estimate):
        cost.append(f"changes the {words.right} by {difference_text(each.accuracy, words, sign=True)}")
    if isinstance(each.time, Estimate):
        cost.append(f"takes {each.time.value:.2f} times as long to train")
    after = f", {' and '.join(cost)}" if cost else ""
    beyond = " (an extrapolation; what it does to the accuracy is not measured)" if each.extrapolated else ""
    return f"training {_training(each.what)} cuts the gap by {difference_text(each.cut, words)}{after}{beyond}"


def _training(what: str) -> str:
    """Return what is done in words that follow `training`."""
    return what if what.startswith("with ") else f"for {what}" if "epoch" in what else f"with {what}"


def _sizes(found: ModelCauses) -> str:
    sweep = found.sizes
    if isinstance(sweep, NotMeasured):
        return f"More or less data: {sweep.reason}"
    law = sweep.law
    if not isinstance(law, PowerLaw):
        return f"More or less data: {law.reason if law else ''}"
    share = f"the gap falls with the number of examples n like n^-{law.exponent.value:.2f} (90{SPACE}% interval of the exponent {law.exponent.low:.2f} to {law.exponent.high:.2f})"
    if law.exponent.low <= 0:
        return (
            f"More or less data: from a quarter to all of the examples the gap is not shown to fall (exponent {law.exponent.value:.2f}"
            f" [{law.exponent.low:.2f},{SPACE}{law.exponent.high:.2f}]), so nothing is promised of more data."
        )
    low, high = (f"{100 * end:.0f}" for end in (law.cut.low, law.cut.high))
    return (
        f"More data: {share}. Twice the data would cut it by {100 * law.cut.value:.0f}{SPACE}% [{low},{SPACE}{high}]: "
        "an extrapolation, right only if this curve goes on beyond the data that there are."
    )


def _widths(found: ModelCauses, words: Vocabulary) -> str:
    sweep = found.widths
    if isinstance(sweep, NotMeasured):
        return f"A wider or narrower model: {sweep.reason}"
    first, last = sweep.places[0], sweep.places[-1]
    about = (
        f"From {first:g} to {last:g} times the width the gap changes by {difference_text(sweep.ends, words, sign=True)}"
    )
    if sweep.ends.low > 0:
        sign = "more parameters memorize more here, as textbooks say"
    elif sweep.ends.high < 0:
        sign = "more parameters memorize less here, which is not what textbooks say"
    else:
        sign = "no change is shown"
    top = sweep.places[int(np.argmax([each.value for each in sweep.gap]))]
    bend = (
        f" It is no straight line over the logarithm of the width: the largest mean is at {top:g} times the width."
        if sweep.line is not None and sweep.line.misfit < 0.05
        else ""
    )
    return f"{about}: {sign}.{bend}"


def _time(found: ModelCauses, words: Vocabulary) -> str:
    curve = found.time
    if isinstance(curve, NotMeasured):
        return f"Over time: {curve.reason}"
    values = np.array([each.value for each in curve.canaries])
    if values[-1] <= 0:
        return f"Over time: planted {words.wrong_target}s are not memorized at the end."
    half = curve.epochs[int(np.argmax(values >= values[-1] / 2))]
    said = f"Over time: half of what is memorized of planted {words.wrong_target}s at the end is memorized by epoch {half} of {curve.epochs[-1]}"
    if curve.accuracy is None:
        return f"{said}."
    good = np.array([each.value for each in curve.accuracy])
    late = np.flatnonzero(good < good[-1] - STOPPED)
    at = int(late[-1] + 1) if len(late) else 0
    after = values[-1] - values[at]
    more = (
        f"; {percent(after / values[-1])} of it comes after epoch {curve.epochs[at]}, when the {words.right} is within "
        f"{_points(STOPPED, words)} of what it is at the end"
        if after > 0
        else ""
    )
    return f"{said}{more}."


def _trust(found: ModelCauses) -> str:
    plan, gap = found.plan, found.effects["gap"]
    noise = "" if isinstance(gap, NotMeasured) else f" from {gap.df} degrees of freedom"
    mixed = plan.budget.design.mixed()
    warning = (
        " Each factor is mixed with interactions of two others in so few runs: give more --runs to tell them apart."
        if mixed
        else ""
    )
    lacking = sum(plan.arms[at].name in found.failed for at in plan.rows)
    if lacking:
        warning += f" {lacking} of {len(plan.rows)} cells of the design are missing, so effects may hold what is an interaction."
    return (
        f"How sure: {count(plan.budget.runs * len(found.kept), 'run')} in {count(len(found.kept), 'arm')} of {plan.budget.runs}, paired by seed; effects are means over the levels of all other factors, "
        f"with 90{SPACE}% intervals{noise}. Causes are named by the gap alone, at a 10{SPACE}% risk of naming any wrongly (Holm). "
        f"Which examples are left out, copied or mislabeled was drawn once, by the seed; intervals are over seeds of training.{warning}"
    )


def _size(size: Estimate, words: Vocabulary) -> str:
    return difference_text(size, words)


def _points(size: float, words: Vocabulary) -> str:
    return f"{100 * size:.1f} points" if words.is_share else f"{size:.2f}"
