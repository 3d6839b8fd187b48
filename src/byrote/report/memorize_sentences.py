"""What it takes to recall a list, in sentences: the same in the terminal and at the top of the page."""

import numpy as np

from byrote.experiments.label_capacity import LabelForecast
from byrote.experiments.memorize import AS_IT_IS, BOTH, FREE, LEFT_OUT, WEIGHTED, Announced, ArmRecall, Memorized
from byrote.experiments.variations import kinds_of
from byrote.findings.vocabulary import Vocabulary, vocabulary
from byrote.findings.wanted_rows import epochs_text
from byrote.report.comparison_sentences import stated_sentences
from byrote.report.numbers import SPACE, count, difference_text, percent, percent_text, right_text
from byrote.stats.estimate import Estimate

SECOND_LARGEST = 1
"""The size of each kind of variation that a sentence names, from 0."""


def announced_sentences(announced: Announced) -> list[str]:
    """Return what will be done, before it begins: the list, its bits against those of the model, and the runs."""
    listed = announced.wanted
    what = "random training example" if listed.drawn else "training example"
    first = f"{count(len(listed.ids), what)} {'is' if len(listed.ids) == 1 else 'are'} wanted, with a recall of {percent(announced.floor)} or more."
    return [
        first, *listed.notes, *([] if announced.forecast is None else [capacity_sentence(announced.forecast)]),
        *stated_sentences(announced.stated),
    ]  # fmt: skip


def capacity_sentence(forecast: LabelForecast) -> str:
    """Return how many bits a list is, in times of what the model can hold, and how sure that is."""
    low, high = forecast.held
    most = "about " if forecast.bounds else ""
    how = (
        "the choice among its classes; more where other examples speak against a label"
        if forecast.bounds
        else "by models that were not trained on them"
    )
    fits = (
        "they fit" if forecast.times_all < 1 / 2
        else "the list fits, all examples may not" if forecast.times < 1 / 2
        else "whether the list fits is open" if forecast.times < 2
        else "expect the floor not to hold"
    )  # fmt: skip
    return (
        f"The wanted list needs {most}{_bits(forecast.wanted)} ({how}), {most}{_times(forecast.times)} what this model can hold, and all training examples {most}{_times(forecast.times_all)}: {fits}. "
        f"It can hold between {_bits(low)} and {_bits(high)}, {forecast.least:g} to {forecast.most:g} for each of {forecast.parameters:,} parameters."
    )


def memorize_headline(found: Memorized) -> str:
    """Return in one sentence whether the floor holds, and by which way of training."""
    listed, floor = count(len(found.wanted.ids), "wanted example"), percent(found.floor)
    held = [each for each in found.arms if each.arm != LEFT_OUT and each.held == each.runs]
    if not held:
        return (
            f"The floor is not held: no way of training recalls {floor} of {listed} of {found.name} in all of its runs."
        )
    if held[0].arm == AS_IT_IS:
        return f"{found.name} recalls {floor} or more of {listed} as it is, in all of {count(held[0].runs, 'run')}."
    return f"{found.name} recalls {floor} or more of {listed} in all runs only when it is trained {_by(held[0])}."


def memorize_sentences(found: Memorized) -> list[str]:
    """Return what was shown: recall, what it took, what it cost the others, robustness, capacity, and how sure that is."""
    words = vocabulary(found.comparison.objective)
    sentences = [memorize_headline(found)]
    sentences += [_recall(found, each) for each in found.arms if each.arm != LEFT_OUT]
    left = found.arm(LEFT_OUT)
    if left is not None:
        sentences.append(
            f"Without training on them, {percent_text(left.recall)} are known anyhow; only the rest is learned by rote."
        )
    sentences += [_cost(found, each, words) for each in found.arms if each.arm in (WEIGHTED, FREE, BOTH)]
    if left is not None and np.isfinite(left.result.changes["accuracy"].value):
        sentences.append(_list_itself(found, left, words))
    sentences += _leakage(found, left) + _robustness(found)
    if found.measured is not None:
        sentences.append(capacity_sentence(found.measured))
    sentences += [f"{arm} failed: {why}" for arm, why in found.comparison.failed.items()]
    sentences.append(
        f"All of this rests on {found.arms[0].runs} runs of each, compared run by run. Intervals are 90{SPACE}%: of recall over other runs and other examples of this kind, of the rest over runs. They are not corrected for their number."
    )
    return sentences


def held_text(arm: ArmRecall) -> str:
    """Return in how many runs the floor held, and what that says of other runs: `6 of 6 runs (61 % or more of others)`."""
    text = f"{arm.held} of {count(arm.runs, 'run')}"
    return f"{text} (at 95{SPACE}%, in {percent(arm.held_share.low)} or more of others)" if arm.held else text


def _recall(found: Memorized, arm: ArmRecall) -> str:
    after = epochs_text(arm)
    when = (
        f"The floor never held {found.holds} epochs in a row"
        if after == "never"
        else f"It had held {found.holds} epochs in a row after {after} epochs"
    )
    some = "" if after == "never" or not np.isnan(arm.values["epochs"]).any() else ", in the runs where it did"
    return f"{_title(arm)}: recall {percent_text(arm.recall)}; the floor held at the end in {held_text(arm)}. {when}{some}."


def _cost(found: Memorized, arm: ArmRecall, words: Vocabulary) -> str:
    changes = arm.result.changes
    base = found.arms[0].result.levels
    accuracy, others, time = changes["accuracy"], changes["memorization"], changes["cost"]
    return (
        f"What it costs, {arm.title}: {words.right} {_moved(accuracy)} ({difference_text(accuracy, words, sign=True)}, from {right_text(base['accuracy'], words)}); "
        f"memorization of the other examples {_moved(others)} ({_signed(others)}, from {base['memorization'].value:.3f}); {time.value:.1f} times the time."
    )


def _list_itself(found: Memorized, left: ArmRecall, words: Vocabulary) -> str:
    """Return what it costs to train on the list at all: all other costs are compared with a model that is trained on it."""
    gain, level = left.result.changes["accuracy"], left.result.levels["accuracy"]
    moved = "is higher" if gain.low > 0 else "is lower" if gain.high < 0 else "is not shown to differ"
    return f"Without the list in the training set, {words.right} {moved}: {right_text(level, words)}, {difference_text(gain, words, sign=True)} against {found.arms[0].title}. The costs above come on top of that."


def _leakage(found: Memorized, left: ArmRecall | None) -> list[str]:
    known = [each for each in found.arms if each.arm != LEFT_OUT and np.isfinite(each.leakage.value)]
    if not known:
        return []
    named = ", ".join(f"{percent(each.leakage.value)} {each.title}" for each in known)
    control = (
        ""
        if left is None or np.isnan(left.leakage.value)
        else f"; {percent(left.leakage.value)} where they are not trained on"
    )
    others = found.arms[0].result.levels["leakage"]
    return [
        f"Of the wanted examples an attacker finds by their loss, at 1{SPACE}% false alarms: {named}{control}. Of the others {percent(others.value)} as it is."
    ]


def _robustness(found: Memorized) -> list[str]:
    arms = [each for each in found.arms if each.arm != LEFT_OUT and each.varied]
    if not arms:
        return []
    base = next((each for each in arms if each.held == each.runs), arms[0])  # that which the headline names
    named: list[str] = []
    for kind in kinds_of([each.variation for each in base.varied]):
        of_kind = [each for each in base.varied if each.variation.kind == kind]
        one = of_kind[min(SECOND_LARGEST, len(of_kind) - 1)]
        named.append(f"{one.variation}: {percent_text(one.recall)}")
    return [
        f"Slight variations of their inputs ({base.title}, recall {percent(base.recall.value)}): {'; '.join(named)}."
    ]


def _title(arm: ArmRecall) -> str:
    return arm.title[0].upper() + arm.title[1:]


def _by(arm: ArmRecall) -> str:
    return "with the wanted examples weighted" if arm.arm == WEIGHTED else arm.title


def _moved(size: Estimate) -> str:
    if np.isnan(size.value):
        return "is not measured"
    return "rises" if size.low > 0 else "falls" if size.high < 0 else "is not shown to change"


def _signed(size: Estimate) -> str:
    ends = "" if np.isnan(size.low) else f" [{size.low:+.3f},{SPACE}{size.high:+.3f}]"
    return f"{size.value:+.3f}{ends}"


def _bits(number: float) -> str:
    return f"{number:,.0f} bits" if number >= 10 else f"{number:.1f} bits"


def _times(number: float) -> str:
    digits = 0 if number >= 10 else 1 if number >= 1 else 2 if number >= 0.1 else 3 if number >= 0.01 else 4
    return f"{number:.{digits}f} times"
