"""A comparison of ways of keeping a wanted list in sentences: the same in the terminal and on the page."""

import numpy as np

from byrote.experiments.recalling.compare import RecallComparison
from byrote.experiments.recalling.way import Change, Problem, Way
from byrote.findings.recalling import Advice, advise
from byrote.report.numbers import percent, percent_text
from byrote.stats.estimate import Estimate


def recalling_sentences(comparison: RecallComparison) -> list[str]:
    """Return what to take for each kind of problem, and the numbers that say so."""
    return [sentence for problem in comparison.problems for sentence in problem_sentences(problem)]


def problem_sentences(problem: Problem) -> list[str]:
    """Return the advice for one problem, then what speaks for it and against it."""
    advice = advise(problem)
    found = [_advice(problem, advice), _numbers(problem)]
    for sentence in (_steady(problem, advice), _update(problem), _deletion(problem), _leakage(problem)):
        found += [sentence] if sentence else []
    return found


def _advice(problem: Problem, advice: Advice) -> str:
    others = (
        f" As good by these numbers, and slower to change: {_listed([way.name for way in advice.as_good])}."
        if advice.as_good
        else ""
    )
    return f"{problem.name.capitalize()} ({problem.about}): take {_spelled(advice.take)}.{others}"


def _numbers(problem: Problem) -> str:
    parts = "; ".join(f"{way.name} {percent_text(way.recall)}" for way in problem.ways)
    new = "; ".join(f"{way.name} {percent_text(way.new)}" for way in problem.ways if np.isfinite(way.new.value))
    return f"{problem.recall_is.capitalize()}: {parts}. {problem.new_is.capitalize()}: {new}."


def _steady(problem: Problem, advice: Advice) -> str:
    if advice.steadiest is None:
        return ""
    name, best = advice.steadiest
    parts = "; ".join(f"{way.name} {percent_text(way.varied[name])}" for way in problem.ways if way.varied)
    return f"When inputs vary ({name}), {best.name} recalls most: {parts}."


def _update(problem: Problem) -> str:
    parts = [f"{way.name} {_change(way.update)}" for way in problem.ways if way.update is not None]
    return f"A new entry takes: {'; '.join(parts)}." if parts else ""


def _change(change: Change) -> str:
    words = seconds_text(change.seconds)
    if np.isfinite(change.cost.value):
        words += f", {100 * change.cost.value:+.1f} points on new data"
    if np.isfinite(change.lost.value):
        words += f", {percent(change.lost.value)} of the others lost"
    return words


def _deletion(problem: Problem) -> str:
    parts = [
        f"{way.name} {seconds_text(way.deletion.seconds)} ({percent(way.deletion.works.value)} of the list is then still answered right, {percent(way.deletion.never.value)} where it never was)"
        for way in problem.ways if way.deletion is not None
    ]  # fmt: skip
    return f"Forgetting an entry for certain takes: {'; '.join(parts)}." if parts else ""


def _leakage(problem: Problem) -> str:
    known = [
        way for way in problem.ways if np.isfinite(way.leakage.value) and np.isfinite(way.leakage_of_answers.value)
    ]
    if not known:
        return ""
    parts = "; ".join(
        f"{way.name} {number_text(way.leakage)}, by answers alone {number_text(way.leakage_of_answers)}"
        for way in known
    )
    return f"Whether an entry is stored can be told from probabilities or distances with an AUROC of (.5 is chance): {parts}."


def seconds_text(size: Estimate) -> str:
    """Return a time as one reads it."""
    value = size.value
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if value * factor >= 1 or unit == "ms":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError


def number_text(size: Estimate) -> str:
    """Return a number with its interval, two decimals each."""
    ends = "" if np.isnan(size.low) else f" [{size.low:.2f}, {size.high:.2f}]"
    return f"{size.value:.2f}{ends}"


def _spelled(way: Way) -> str:
    return (
        f"the {way.name}"
        if way.name.startswith("memory")
        else f"the list {way.name}"
        if way.name.startswith("in ")
        else way.name
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
