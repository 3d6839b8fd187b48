"""How much was memorized: the distribution over real examples, and over each kind of canary."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byrote.evidence.evaluate import Values
from byrote.findings.concentrated import Concentrated, concentrated
from byrote.findings.evaluated_scores import Panel
from byrote.findings.findings import Findings
from byrote.findings.memorized import MemorizationSummary
from byrote.record import Record
from byrote.report.charts import COLOURS, Chart, histogram
from byrote.report.rows import Beyond, bin_width, far_values, histogram_bars
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class KindDistribution:
    """The distribution over the canaries of one kind."""

    kind: str
    chart: Chart
    beyond: Beyond


@dataclass(frozen=True)
class Distribution:
    """The distribution of memorization over real examples and over canaries, with the summary of the real ones.

    `beyond` says how many values the charts leave out. `few` are the examples of a regression that have nearly all of it.
    """

    real: Chart
    beyond: Beyond
    few: Concentrated | None
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
    train = record.population.where("train")
    score = str(values.score)
    real, beyond = _drawn("memorized", score, "real", "Memorization of real training examples", values.value[train])
    kinds: list[KindDistribution] = []
    for kind in found.planted:
        own = values.value[record.population.canary == kind]
        kinds.append(
            KindDistribution(kind, *_drawn(f"memorized-{kind}", score, kind, f"Memorization of {kind} canaries", own))
        )
    few = concentrated(values.value[train]) if record.objective.name == "regression" else None
    return Distribution(real, beyond, few, tuple(kinds), found.memorized)


def _drawn(name: str, score: str, kind: str, about: str, values: NDArray[np.float64]) -> tuple[Chart, Beyond]:
    beyond = far_values(values)
    kept = values[(values >= beyond.left) & (values <= beyond.right)]
    bars = histogram_bars(kept, bin_width(kept), len(kept) + beyond.count)
    height = 260 if kind == "real" else 130
    return histogram(name, bars, COLOURS[kind], score=score, height=height, description=about), beyond
