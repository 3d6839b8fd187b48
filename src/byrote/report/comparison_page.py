"""The page of a comparison: one HTML file, as that of an audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from byrote.experiments.compare import Comparison, Result
from byrote.experiments.measures import MEASURES, Measure
from byrote.experiments.remedies import UNCHANGED
from byrote.findings.comparison import sorted_results
from byrote.findings.vocabulary import Vocabulary, vocabulary
from byrote.record.storage import Place, place, replacing
from byrote.report.charts import Chart
from byrote.report.comparison_charts import front_chart, wrong_label_chart
from byrote.report.comparison_sentences import comparison_sentences, headline, verdict_text
from byrote.report.kept_verdict import keep_verdict
from byrote.report.number_table import Cell, NumberTable, Row, changed
from byrote.report.numbers import SPACE, count, percent, right, right_text
from byrote.report.page import rendered
from byrote.report.sections.section import Section
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

IN_MAIN = ("memorization", "accuracy", "wrong labels fitted")
"""Measures that the first table shows; the others are in the second."""

SHORT = {
    "tail": "hardest tenth",
    "leakage": "members found by loss at 1 % false",
    "worst class": "worst class",
    "hard tests": "hard tenth of the tests",
    "calibration error": "calibration error",
    "cost": "time, times unchanged",
}
"""Headings of the second table. Canaries follow by their kind."""


@dataclass(frozen=True)
class Shown:
    """The verdict: what was compared, in sentences."""

    audit: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Drawn:
    """A chart, the arms that lie too low to be drawn, and those on the front with how sure that is."""

    chart: Chart
    low: tuple[str, ...]
    front: tuple[str, ...]


@dataclass(frozen=True)
class Method:
    """How the comparison was made: its rounds and canaries, what failed and what was skipped, and the words of its measures."""

    rounds: tuple[str, ...]
    canaries: str
    failed: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    measures: tuple[Measure, ...]


def write_comparison(comparison: Comparison, path: Path | str | None = None) -> Place:
    """Write the page of a comparison to `path` (default: comparison.html in its directory); return where it is."""
    target = comparison.directory / "comparison.html" if path is None else place(path)
    words = vocabulary(comparison.objective)
    html = rendered(
        f"remedies for {comparison.name}", comparison_sections(comparison), words, about="remedies against memorization"
    )
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    if path is None:
        keep_verdict(comparison.directory, "comparison", comparison.name, comparison_sentences(comparison))
    return target


def comparison_sections(comparison: Comparison) -> tuple[Section, ...]:
    """Return the sections of the page in their order."""
    words, sentences = vocabulary(comparison.objective), comparison_sentences(comparison)
    about = (
        comparison.name,
        count(len(comparison.results) - 1, "remedy", "remedies"),
        count(sum(each.runs for each in comparison.results), "run"),
    )
    shown = Section("shown", "Verdict", headline(comparison), Shown(about, tuple(sentences[1:])))
    return (
        shown,
        _front(comparison),
        _wrong_labels(comparison, words),
        _arms(comparison, words),
        _others(comparison, words),
        _method(comparison),
    )


def _front(comparison: Comparison) -> Section:
    chart, low = front_chart(comparison)
    front = tuple(f"{each.arm} ({percent(each.front_share)})" for each in comparison.results if each.front_share >= 0.5)
    title = "Memorization and accuracy"
    return Section("front", title, title, Drawn(chart, tuple(low), front), (chart,))


def _wrong_labels(comparison: Comparison, words: Vocabulary) -> Section:
    title = f"Planted {words.wrong_target}s"
    if not np.isfinite(comparison.unchanged.levels["wrong labels fitted"].value):
        return Section("fitted", title, title, NotMeasured(f"No {words.wrong_target}s were planted."))
    chart, low = wrong_label_chart(comparison)
    return Section("fitted", title, title, Drawn(chart, tuple(low), ()), (chart,))


def _arms(comparison: Comparison, words: Vocabulary) -> Section:
    columns = (
        "memorization",
        f"test {words.right}" if comparison.tested else words.right,
        f"planted {words.wrong_target}s learned",
    )
    rows = tuple(
        Row(
            each.arm,
            (
                Cell(str(each.runs)),
                Cell("" if each.arm == UNCHANGED else verdict_text(each), words=True),
                *_cells(each, IN_MAIN, words),
            ),
        )
        for each in sorted_results(comparison)
    )
    title = "All remedies"
    return Section("arms", title, title, NumberTable("Remedy", ("Runs", "Shown", *columns), rows))


def _others(comparison: Comparison, words: Vocabulary) -> Section:
    planted = [m.name for m in MEASURES if m.name in ("mislabeled", "ordinary", "noise", "ambiguous")]
    names = [name for name in (*SHORT, *planted) if np.isfinite(comparison.unchanged.levels[name].value)]
    headings = {**SHORT, **{name: f"memorization of {name} canaries" for name in planted}}
    rows = tuple(
        Row(each.arm, (Cell(str(each.runs)), *_cells(each, names, words))) for each in sorted_results(comparison)
    )
    title = "Leakage, hard examples, calibration, time"
    columns = tuple(headings[name] for name in names)
    return Section("others", "Other measures", title, NumberTable("Remedy", ("Runs", *columns), rows))


def _method(comparison: Comparison) -> Section:
    rounds = tuple(f"{each.arms} ways of training, {count(each.runs, 'run')} each" for each in comparison.plan.rounds)
    content = Method(
        rounds, comparison.canaries, tuple(comparison.failed.items()), tuple(comparison.skipped.items()), MEASURES
    )
    return Section("method", "How it was compared", "How it was compared", content)


def _cells(result: Result, names: Sequence[str], words: Vocabulary) -> tuple[Cell, ...]:
    measures = {each.name: each for each in MEASURES}
    return tuple(_cell(result, measures[name], words) for name in names)


def _cell(result: Result, measure: Measure, words: Vocabulary) -> Cell:
    level, change = result.levels[measure.name], result.changes[measure.name]
    if not np.isfinite(level.value):
        return Cell("")
    own = result.arm == UNCHANGED
    if measure.name == "cost":
        return Cell(f"{level.value:.1f} seconds" if own else f"{level.value:.2f}")
    if measure.name == "leakage":
        value = percent(level.value)
    elif measure.share:
        value = right_text(level, words) if own else right(level.value, words)
    else:
        value = _three(level) if own else f"{level.value:.3f}"
    shares = measure.name == "leakage" or (measure.share and words.is_share)
    return changed(value, None if own else change, points=shares)


def _three(level: Estimate) -> str:
    ends = "" if np.isnan(level.low) else f" [{level.low:.3f},{SPACE}{level.high:.3f}]"
    return f"{level.value:.3f}{ends}"
