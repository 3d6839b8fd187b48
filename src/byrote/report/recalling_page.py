"""The page of a comparison of ways of keeping a wanted list."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from byrote.experiments.recalling.compare import RecallComparison
from byrote.experiments.recalling.way import Problem, Way
from byrote.findings.recalling import advise
from byrote.findings.vocabulary import vocabulary
from byrote.record.storage import Place, place, replacing
from byrote.report.charts import Chart
from byrote.report.kept_verdict import keep_verdict
from byrote.report.number_table import Cell, NumberTable, Row
from byrote.report.numbers import percent, percent_ends
from byrote.report.page import rendered
from byrote.report.recalling_charts import variation_chart
from byrote.report.recalling_sentences import (
    left_out_sentence,
    number_text,
    problem_sentences,
    recalling_sentences,
    seconds_text,
)
from byrote.report.sections.section import Section
from byrote.stats.estimate import Estimate

CHANGES = {
    "update": "a new entry",
    "cost": "new data after it, points",
    "lost": "others lost by it",
    "deletion": "an entry forgotten",
    "bytes": "bytes an entry",
    "query": "a query",
}
"""Columns of what changes and queries take, with their headings."""


@dataclass(frozen=True)
class Ways:
    """One problem as its section shows it: sentences, a table of ways, a chart where inputs were varied, and notes."""

    sentences: tuple[str, ...]
    tables: tuple[NumberTable, ...]
    chart: Chart | None
    notes: tuple[str, ...]


def write_recall_comparison(comparison: RecallComparison, path: Path | str | None = None) -> Place:
    """Write the page to `path` (default: recall.html in its directory), whole or not at all; return where it is."""
    target = place(comparison.directory) / "recall.html" if path is None else place(path)
    html = rendered(
        "recall", recalling_sections(comparison), vocabulary("classification"), about="in the weights, or in a memory"
    )
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    if path is None:
        keep_verdict(place(comparison.directory), "recall", "recall", recalling_sentences(comparison))
    return target


def recalling_sections(comparison: RecallComparison) -> tuple[Section, ...]:
    """Return the sections of the page: what to take, one for each problem, and the words."""
    taken = [problem_sentences(problem)[0] for problem in comparison.problems]
    taken += [left_out_sentence(name, why) for name, why in comparison.left_out.items()]
    first = Section("taken", "What to take", "In the weights, or in a memory?", tuple(taken))
    return (
        first,
        *(_section(problem) for problem in comparison.problems),
        Section("words", "Words", "Words used here", ""),
    )


def _section(problem: Problem) -> Section:
    chart, advice = variation_chart(problem), advise(problem)
    tables = tuple(_table(problem, advice.take, columns) for columns in (_shares(problem), CHANGES))
    content = Ways(tuple(problem_sentences(problem)), tables, chart, problem.notes)
    title = f"{problem.name.capitalize()}: {problem.about}"
    return Section(
        problem.name, problem.name.capitalize(), title, content, () if chart is None else (chart,), template="ways"
    )


def _shares(problem: Problem) -> dict[str, str]:
    """Return the columns of what is answered and what leaks, with their headings."""
    return {
        "recall": problem.recall_is,
        "new": problem.new_is,
        **{part: f"recall: {part}" for way in problem.ways for part in way.parts},
        "leakage": "stored or not: AUROC",
        "answers": "the same, by answers alone",
    }


def _table(problem: Problem, taken: Way, columns: Mapping[str, str]) -> NumberTable:
    """Return a table of the columns that some way has a number in."""
    cells = [_cells(way) for way in problem.ways]
    known = [name for name in columns if any(name in each and each[name].value for each in cells)]
    rows = tuple(
        Row(way.name, tuple(each.get(name, Cell("")) for name in known), "taken" if way is taken else "")
        for way, each in zip(problem.ways, cells, strict=True)
    )
    return NumberTable("Way", tuple(columns[name] for name in known), rows)


def _cells(way: Way) -> dict[str, Cell]:
    update, deletion = way.update, way.deletion
    known = {part: _share(size) for part, size in way.parts.items()}
    return {
        "recall": _share(way.recall),
        "new": _share(way.new),
        **known,
        "leakage": _number(way.leakage),
        "answers": _number(way.leakage_of_answers),
        "update": Cell("" if update is None else seconds_text(update.seconds)),
        "cost": Cell("") if update is None or np.isnan(update.cost.value) else Cell(f"{100 * update.cost.value:+.1f}"),
        "lost": Cell("") if update is None else _share(update.lost),
        "deletion": Cell("" if deletion is None else seconds_text(deletion.seconds)),
        "bytes": Cell(f"{way.bytes_each:,.0f}" if way.memory else "none"),
        "query": Cell("" if np.isnan(way.seconds_each) else f"{1e3 * way.seconds_each:.2g} ms"),
    }


def _share(size: Estimate) -> Cell:
    return (
        Cell("")
        if np.isnan(size.value)
        else Cell(percent(size.value), "" if size.low == size.high else percent_ends(size).strip())
    )


def _number(size: Estimate) -> Cell:
    if np.isnan(size.value):
        return Cell("")
    value, _, ends = number_text(size).partition(" ")
    return Cell(value, ends)
