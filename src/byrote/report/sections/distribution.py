"""How much was memorized: the distribution over real examples, and over each kind of canary."""

from dataclasses import dataclass

from byrote.evidence.evaluate import Values
from byrote.findings.evaluated_scores import Panel
from byrote.findings.findings import Findings
from byrote.findings.memorized import MemorizationSummary
from byrote.record import Record
from byrote.report.charts import COLOURS, Chart, histogram
from byrote.report.rows import bin_width, histogram_bars
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class KindDistribution:
    """The distribution over the canaries of one kind."""

    kind: str
    chart: Chart


@dataclass(frozen=True)
class Distribution:
    """The distribution of memorization over real examples and over canaries, with the summary of the real ones."""

    real: Chart
    kinds: tuple[KindDistribution, ...]
    summary: MemorizationSummary


def read_distribution(record: Record, found: Findings, panel: Panel) -> Section:
    """Return the histograms of memorization, or why it was not measured."""
    content = _content(record, found, panel.memorization)
    charts = () if isinstance(content, NotMeasured) else (content.real, *(each.chart for each in content.kinds))
    return Section("distribution", "How much", "How much was memorized", content, charts)


def _content(record: Record, found: Findings, values: Values | NotMeasured) -> Distribution | NotMeasured:
    if isinstance(values, NotMeasured):
        return values
    if isinstance(found.memorized, NotMeasured):
        return found.memorized
    width, score = bin_width(values.value), str(values.score)
    bars = histogram_bars(values.value[record.population.where("train")], width)
    about = "Memorization of real training examples"
    real = histogram("memorized", bars, COLOURS["real"], score=score, height=260, description=about)
    kinds: list[KindDistribution] = []
    for kind in found.planted:
        bars = histogram_bars(values.value[record.population.canary == kind], width)
        about = f"Memorization of {kind} canaries"
        chart = histogram(f"memorized-{kind}", bars, COLOURS[kind], score=score, height=130, description=about)
        kinds.append(KindDistribution(kind, chart))
    return Distribution(real, tuple(kinds), found.memorized)
