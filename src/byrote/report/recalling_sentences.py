"""A comparison of ways of keeping a wanted list in sentences: the same in the terminal and on the page."""

import numpy as np

from byrote.experiments.recalling.compare import RecallComparison
from byrote.experiments.recalling.way import Change, Problem, Way
from byrote.findings.recalling import Advice, advise, steadiness
from byrote.report.numbers import percent, percent_text
from byrote.stats.estimate import Estimate


def recalling_sentences(comparison: RecallComparison) -> list[str]:
    """Return what to take for each kind of problem, and the numbers that say so."""
    found = [sentence for problem in comparison.problems for sentence in problem_sentences(problem)]
    return found + [left_out_sentence(name, why) for name, why in comparison.left_out.items()]


def left_out_sentence(name: str, why: str) -> str:
    """Return why a problem is not there."""
    return f"{name.capitalize()} was left out. {why}"


def problem_sentences(problem: Problem) -> list[str]:
    """Return the advice for one problem, then how the way that it names differs from the best of the other kind."""
    advice = advise(problem)
    found = [_advice(problem, advice), *problem.cautions]
    if advice.steadiest is not None:
        named = [way for way in dict.fromkeys((advice.steadiest, advice.take, advice.rival)) if way is not None]
        found.append(f"When inputs vary slightly, recall is: {'; '.join(_when_varied(way) for way in named)}.")
    if advice.rival is not None:
        pair = (advice.take, advice.rival)
        found += [text for text in (_update(*pair), _deletion(*pair), _leakage(*pair)) if text]
    return found


def _advice(problem: Problem, advice: Advice) -> str:
    take, rival = advice.take, advice.rival
    second = (
        ""
        if rival is None
        else f"; {rival.name}: {percent_text(rival.recall)} and {percent_text(rival.new)}{', as good' if rival in advice.as_good else ''}"
    )
    others = [way.name for way in advice.as_good if way is not rival]
    equal = f" As good by these numbers: {_listed(others)}." if others else ""
    numbers = f"{percent_text(take.recall)} {problem.recall_is}, and {percent_text(take.new)} {problem.new_is}"
    return f"{problem.name.capitalize()} ({problem.about}): take {_spelled(take)}. {numbers}{second}.{equal}"


def _when_varied(way: Way) -> str:
    worst, best = (pick(way.varied, key=lambda name: way.varied[name].value) for pick in (min, max))
    ends = f"{percent(way.varied[worst].value)} with {worst}, {percent(way.varied[best].value)} with {best}"
    return f"{way.name} {percent(steadiness(way))} on average ({ends})"


def _update(take: Way, rival: Way) -> str:
    if take.update is None or rival.update is None:
        return ""
    return f"A new entry: {take.name} {_change(take.update)}; {rival.name} {_change(rival.update)}."


def _change(change: Change) -> str:
    words = seconds_text(change.seconds)
    if np.isfinite(change.cost.value):
        words += f", {100 * change.cost.value:+.1f} points on new data"
    if np.isfinite(change.lost.value):
        words += f", {percent(change.lost.value)} of the other entries lost"
    return words


def _deletion(take: Way, rival: Way) -> str:
    if take.deletion is None or rival.deletion is None:
        return ""
    times = f"{take.name} {seconds_text(take.deletion.seconds)}, {rival.name} {seconds_text(rival.deletion.seconds)} (training anew)"
    if rival.memory:
        times = f"{take.name} {seconds_text(take.deletion.seconds)} (training anew), {rival.name} {seconds_text(rival.deletion.seconds)}"
    return f"To forget an entry for certain: {times}."


def _leakage(take: Way, rival: Way) -> str:
    if np.isnan(take.leakage.value) or np.isnan(rival.leakage.value):
        return ""
    parts = "; ".join(
        f"{way.name} {number_text(way.leakage)}, by answers alone {number_text(way.leakage_of_answers)}"
        for way in (take, rival)
    )
    return f"Whether an entry is stored can be told with an AUROC (.5 is chance) of: {parts}."


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
