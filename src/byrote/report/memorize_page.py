"""The page of a wanted list: one HTML file, as that of a comparison."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from byrote.experiments.memorize import LEFT_OUT, ArmRecall, Memorized
from byrote.findings.vocabulary import Vocabulary, vocabulary
from byrote.findings.wanted_rows import epochs_text
from byrote.record.storage import Place, place, replacing
from byrote.report.charts import Chart
from byrote.report.comparison_page import Shown
from byrote.report.kept_verdict import keep_verdict
from byrote.report.memorize_charts import epochs_chart, varied_chart
from byrote.report.memorize_sentences import capacity_sentence, memorize_headline, memorize_sentences
from byrote.report.number_table import Cell, NumberTable, Row, changed
from byrote.report.numbers import count, percent, percent_text, right, right_text
from byrote.report.page import rendered
from byrote.report.sections.section import Section
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

HERE = ("recall", "floor held in", "epochs until it had held", "found by their loss at 1 % false alarms")
COST = ("{right}", "memorization of the others", "hardest tenth of the others", "others found by their loss", "calibration error", "time")  # fmt: skip
MEASURED = ("accuracy", "memorization", "tail", "leakage", "calibration error", "cost")


@dataclass(frozen=True)
class Ways:
    """A table of the ways of training, and a chart above it."""

    table: NumberTable
    chart: Chart | None = None
    floor: str = ""


@dataclass(frozen=True)
class Bits:
    """What was known of the capacity before training, and afterwards."""

    before: str
    after: str


@dataclass(frozen=True)
class How:
    """How the ways of training were made."""

    runs: int
    epochs: int
    holds: int
    failed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def write_memorized(found: Memorized, path: Path | str | None = None) -> Place:
    """Write the page of a wanted list to `path` (default: memorize.html in its directory); return where it is."""
    target = found.directory / "memorize.html" if path is None else place(path)
    words = vocabulary(found.comparison.objective)
    html = rendered(f"wanted examples of {found.name}", memorize_sections(found), words, about="wanted memorization")
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    if path is None:
        keep_verdict(found.directory, "memorize", found.name, memorize_sentences(found))
    return target


def memorize_sections(found: Memorized) -> tuple[Section, ...]:
    """Return the sections of the page in their order."""
    words = vocabulary(found.comparison.objective)
    about = (
        found.name,
        count(len(found.wanted.ids), "wanted example"),
        f"floor {percent(found.floor)}",
        count(sum(each.runs for each in found.arms), "run"),
    )
    return (
        Section("shown", "Verdict", memorize_headline(found), Shown(about, tuple(memorize_sentences(found)[1:]))),
        _recall(found),
        _cost(found, words),
        _varied(found),
        _capacity(found),
        Section(
            "wanted_method", "How it was done", "How it was done",
            How(found.arms[0].runs, found.epochs, found.holds, tuple(found.comparison.failed.items()), found.wanted.notes),
        ),
    )  # fmt: skip


def _recall(found: Memorized) -> Section:
    chart = epochs_chart(found)
    rows = tuple(
        Row(
            each.title,
            (
                changed(percent_text(each.recall), each.changes.get("recall"), points=True),
                Cell(f"{each.held} of {each.runs}"),
                Cell("not watched" if each.arm == LEFT_OUT else epochs_text(each)),
                changed(_share(each.leakage), each.changes.get("leakage"), points=True),
            ),
        )
        for each in found.arms
    )
    title = "What is recalled"
    return Section("wanted_recall", title, title, Ways(_table(HERE, rows), chart, percent(found.floor)), (chart,))


def _cost(found: Memorized, words: Vocabulary) -> Section:
    tested = f"test {words.right}" if found.comparison.tested else words.right
    columns = tuple(name.format(right=tested) for name in COST)
    rows = tuple(Row(each.title, _costs(each, words, own=not at)) for at, each in enumerate(found.arms))
    title = "What it costs the others"
    return Section("wanted_cost", title, title, Ways(_table(columns, rows)))


def _costs(arm: ArmRecall, words: Vocabulary, *, own: bool) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for name in MEASURED:
        level, change = arm.result.levels[name], None if own else arm.result.changes[name]
        if not np.isfinite(level.value):
            cells.append(Cell("not measured"))
        elif name == "cost":
            cells.append(Cell(f"{level.value:.1f} seconds" if own else f"{level.value:.2f} times"))
        elif name == "accuracy":
            plain = right_text(level, words) if own else right(level.value, words)
            cells.append(changed(plain, change, points=words.is_share))
        elif name == "leakage":
            cells.append(changed(percent(level.value), change, points=True))
        else:
            cells.append(changed(f"{level.value:.3f}", change))
    return tuple(cells)


def _varied(found: Memorized) -> Section:
    title, chart = "When the inputs vary slightly", varied_chart(found)
    if chart is None:
        return Section(
            "wanted_varied", title, title, NotMeasured("No slight variation is defined for inputs of this kind.")
        )
    columns = ("as they are", *(str(each.variation) for each in found.arms[0].varied))
    rows = tuple(
        Row(each.title, tuple(Cell(percent_text(size)) for size in (each.recall, *(v.recall for v in each.varied))))
        for each in found.arms
    )
    return Section("wanted_varied", title, title, Ways(_table(columns, rows), chart), (chart,))


def _capacity(found: Memorized) -> Section:
    title = "What the model can hold"
    if found.forecast is None:
        return Section("wanted_capacity", title, title, NotMeasured("Targets that are numbers have no number of bits."))
    after = "" if found.measured is None else capacity_sentence(found.measured)
    return Section("wanted_capacity", title, title, Bits(capacity_sentence(found.forecast), after))


def _share(size: Estimate) -> str:
    return "not measured" if np.isnan(size.value) else percent_text(size)


def _table(columns: tuple[str, ...], rows: tuple[Row, ...]) -> NumberTable:
    return NumberTable("Training", columns, rows)
