"""A comparison in sentences: the same in the terminal and at the top of the page."""

from collections.abc import Sequence

import numpy as np

from byrote.experiments.compare import Comparison, Result, Stated
from byrote.experiments.compare_audits import AuditChange
from byrote.experiments.halving import MARGIN
from byrote.findings.comparison import sorted_results
from byrote.findings.vocabulary import Vocabulary, vocabulary
from byrote.report.numbers import SPACE, count, difference_text, percent
from byrote.stats.estimate import Estimate
from byrote.training.progress import spell_seconds

NAMED = 4
"""Examples that are named in a sentence at most."""


def stated_sentences(stated: Stated) -> list[str]:
    """Return what a comparison will do, before it begins."""
    plan = stated.plan
    rounds = "; then ".join(f"{each.runs} runs of each of {each.arms}" for each in plan.rounds)
    found = [f"{count(plan.total, 'run')}: {rounds} (one of them the unchanged task)."]
    if len(plan.rounds) > 1:
        found[0] = (
            found[0][:-1] + ". After each round those go on that are nearest to low memorization and high accuracy."
        )
    if stated.missing < plan.total:
        found.append(f"{count(plan.total - stated.missing, 'run')} of these are there already.")
    if stated.missing:
        time = (
            "How long that takes is not known yet"
            if stated.seconds is None
            else f"About {spell_seconds(stated.seconds)}"
        )
        found.append(f"{time}; stop it at any time, and the same command goes on from there.")
    return found + [f"Skipped: {text}. {why}" for text, why in stated.skipped.items()]


def comparison_sentences(comparison: Comparison) -> list[str]:
    """Return what the comparison shows, then what it does not show, then how sure that is."""
    words, results = vocabulary(comparison.objective), sorted_results(comparison)
    judged = [each for each in results if each.judged is not None]
    found = [headline(comparison)]
    found += [_sentence(comparison, each, words) for each in judged if each.judged and each.judged.verdict != "open"]
    found += _wrong_labels(comparison, judged, words)
    found += _not_shown(judged, words)
    found += _how_sure(comparison, judged)
    found += [f"{arm} failed: {why}" for arm, why in comparison.failed.items()]
    return found


def headline(comparison: Comparison) -> str:
    """Return in one sentence what helps, or that nothing was shown to."""
    better = [each.arm for each in sorted_results(comparison) if each.judged and each.judged.verdict == "better"]
    tried = count(len(comparison.results) - 1, "remedy", "remedies")
    if not better:
        return f"None of {tried} is shown to lower the memorization of {comparison.name} without a cost."
    return f"{len(better)} of {tried} help{'s' if len(better) == 1 else ''} on {comparison.name}: {_listed(better)}."


def verdict_text(result: Result) -> str:
    """Return what is shown about an arm in a few words."""
    if result.judged is None:
        return "set aside"
    return {
        "better": "better",
        "less": "less memorization, cost unknown",
        "trade": "one for the other",
        "worse": "worse",
        "open": "nothing shown",
    }[result.judged.verdict]


def audit_sentences(found: AuditChange) -> list[str]:
    """Return what has changed from one audit to another."""
    from byrote.findings.vocabulary import vocabulary as words_of

    words, examples = words_of(found.objective), found.examples
    sentences: list[str] = []
    for name, what in (("memorization", "Mean memorization"), ("accuracy", f"Test {words.right}")):
        if name not in found.measures:
            continue
        before, after, change = found.measures[name]
        shown = "is not shown to have changed" if not _beyond(change) else "fell" if change.value < 0 else "rose"
        size = difference_text(change, words, sign=True) if name == "accuracy" else _difference(change)
        values = (
            f"{percent(before)} before, {percent(after)} after"
            if name == "accuracy" and words.is_share
            else f"{before:.3f} before, {after:.3f} after"
        )
        sentences.append(f"{what} {shown}: {values}; difference {size}.")
        if name == "accuracy" and found.tests_left_out:
            sentences[-1] += (
                f" These are the {count(found.tests, 'test example')} that both audits have, and {found.tests_left_out:,} are in one of them only; "
                "the interval is over runs, and does not tell how other test examples would differ."
            )
    sentences.append(_members(found, examples.no_longer, "no longer memorized"))
    sentences.append(_members(found, examples.newly, "newly memorized"))
    sure = [each for each in found.classes if each.sure]
    if found.classes:
        named = [
            f"{each.name} ({_difference(each.change)})" for each in sorted(sure, key=lambda each: each.change.value)
        ]
        sentences.append(
            f"Classes whose memorization changed: {', '.join(named)}."
            if named
            else "No class is shown to have changed in memorization."
        )
    tested = int(np.isfinite(examples.p_value).sum())
    pairing = (
        "run by run, since both trained the same runs on the same examples" if found.paired else "as independent runs"
    )
    sentences.append(
        f"{count(len(found.ids), 'training example')} are in both audits ({found.runs[0]} and {found.runs[1]} runs, compared {pairing}). "
        f"{tested} of them could be tested: the others are right or wrong too alike. At most one in ten of those that are listed is expected to be false."
    )
    if found.left_out:
        sentences.append(
            f"{count(found.left_out, 'training example')} are in one of the audits only, and are left out."
        )
    if found.other_inputs:
        sentences.append(
            f"{count(len(found.other_inputs), 'training example')} with the same id but other inputs in the two audits are left out: {_named(found.other_inputs)}."
        )
    if found.other_labels:
        sentences.append(
            f"{count(len(found.other_labels), 'training example')} with another {words.target} in the second audit, whose memorization is about that one there: {_named(found.other_labels)}."
        )
    return sentences


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def _members(found: AuditChange, which: np.ndarray, what: str) -> str:
    names = [
        str(name) for name in found.ids[which][np.argsort(-np.abs(found.examples.change[which]), kind="stable")][:NAMED]
    ]
    more = f", for example {', '.join(names)}" if len(names) < which.sum() else f": {', '.join(names)}" if names else ""
    return f"{count(int(which.sum()), 'example')} {'is' if which.sum() == 1 else 'are'} {what}{more}."


def _sentence(comparison: Comparison, result: Result, words: Vocabulary) -> str:
    judged = result.judged
    assert judged is not None
    base = comparison.unchanged.values["memorization"][comparison.plan.judged_from :].mean()
    memorization = f"{_plain(base + judged.memorization.value)} instead of {_plain(base)}; difference {_difference(judged.memorization)}"
    accuracy = difference_text(judged.accuracy, words, sign=True)
    gained, lost = judged.accuracy.low > 0, judged.accuracy.high < 0
    less, more = judged.memorization.high < 0, judged.memorization.low > 0
    point = "1 point" if words.is_share else f"{MARGIN:g}"
    how = (
        f"more {words.right}" if gained
        else f"less {words.right}, by less than {point}" if lost and judged.accuracy.low >= -MARGIN
        else f"less {words.right}" if lost
        else f"the same {words.right}" if judged.accuracy.low >= -MARGIN
        else f"{words.right} not known to {point}"
    )  # fmt: skip
    what = "less memorization" if less else "more memorization" if more else "memorization not shown to change"
    join = "at" if less and not lost and judged.verdict == "better" else "with"
    return f"{result.arm}: {how} ({accuracy}) {join} {what} ({memorization})."


def _wrong_labels(comparison: Comparison, judged: Sequence[Result], words: Vocabulary) -> list[str]:
    """Return how well the best arm fits the wrong labels that were planted."""
    best = [each for each in judged if each.judged and each.judged.verdict in ("better", "less")]
    base = comparison.unchanged.levels["wrong labels fitted"]
    if not best or not np.isfinite(base.value) or not words.is_share:
        return []
    own = best[0].levels["wrong labels fitted"]
    return [
        f"Of the planted {words.wrong_target}s it was trained on, a model learns {percent(own.value)} with {best[0].arm}, and {percent(base.value)} without."
    ]


def _not_shown(judged: Sequence[Result], words: Vocabulary) -> list[str]:
    found: list[str] = []
    if not any(each.judged and each.judged.accuracy.low > 0 for each in judged):
        found.append(f"Not shown: that any of them raises the {words.right}.")
    if not any(each.judged and each.judged.memorization.high < 0 for each in judged):
        found.append("Not shown: that any of them lowers memorization.")
    idle = [each.arm for each in judged if each.judged and each.judged.verdict == "open"]
    if idle:
        found.append(f"Not shown: that {_listed(idle)} change{'s' if len(idle) == 1 else ''} anything.")
    return found


def _how_sure(comparison: Comparison, judged: Sequence[Result]) -> list[str]:
    aside = [each for each in comparison.results[1:] if each.judged is None]
    choice = ", trained after the last choice between them" if comparison.plan.judged_from else ""
    found = [
        f"These sentences rest on {comparison.judged_runs} runs of each{choice}, compared run by run. Their intervals hold for {count(len(judged), 'remedy', 'remedies')} at once (90{SPACE}%); other intervals are 90{SPACE}% each."
    ]
    if aside:
        runs = sorted({each.runs for each in aside})
        found.append(
            f"Set aside after {' or '.join(map(str, runs))} runs, when others were nearer to low memorization and high {vocabulary(comparison.objective).right}: {_listed([each.arm for each in aside])}."
        )
    return found


def _beyond(size: Estimate) -> bool:
    return size.high < 0 or size.low > 0


def _plain(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def _difference(size: Estimate) -> str:
    digits = 2 if abs(size.value) >= 0.1 else 3
    ends = "" if np.isnan(size.low) else f" [{size.low:+.{digits}f},{SPACE}{size.high:+.{digits}f}]"
    return f"{size.value:+.{digits}f}{ends}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
