"""How far the audit can be trusted: what it finds of planted examples, and how well its values would repeat."""

from dataclasses import dataclass

from byrote.explain.causes import CONFIRMED
from byrote.findings.canary_check import CanaryKind, Detection
from byrote.findings.cause_check import RulePrecision
from byrote.findings.findings import Findings
from byrote.findings.memorized import MemorizationSummary
from byrote.report.charts import COLOURS, Chart, score_dots
from byrote.report.examples import ExplainedExamples
from byrote.report.rows import detection_dots
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured

ALL_RUNS, ONE_RUN = "from all runs", "from one run"


@dataclass(frozen=True)
class DetectionTable:
    """How well each score finds `planted` wrong labels, as a chart and a table; `by_chance`: the precision of chance."""

    chart: Chart
    scores: tuple[Detection, ...]
    planted: int
    by_chance: float


@dataclass(frozen=True)
class CanaryCheck:
    """What planted examples say about the audit; a part that was not measured is the reason why.

    `confirmed` says how often the rule for labels is right on real ones; empty where the rule is another.
    """

    kinds: tuple[CanaryKind, ...] | NotMeasured
    detection: DetectionTable | NotMeasured
    rules: tuple[RulePrecision, ...]
    confirmed: str
    memorized: MemorizationSummary | NotMeasured


def read_canary_check(found: Findings, examples: ExplainedExamples | NotMeasured) -> Section:
    """Return the check by canaries, the precision of the rules that name causes, and the reliability."""
    detection = _detection(found)
    rules = () if isinstance(examples, NotMeasured) else examples.rules
    confirmed = CONFIRMED if found.words.kind == "classification" else ""
    content = CanaryCheck(found.kinds, detection, rules, confirmed, found.memorized)
    charts = () if isinstance(detection, NotMeasured) else (detection.chart,)
    return Section("canaries", "Can this be trusted?", "Can this audit be trusted?", content, charts)


def _detection(found: Findings) -> DetectionTable | NotMeasured:
    if isinstance(found.detection, NotMeasured):
        return found.detection
    colours = {ALL_RUNS: COLOURS["mislabeled"], ONE_RUN: COLOURS["test"]}
    order = [each.score for each in found.detection]
    about = f"How well each score finds planted {found.words.wrong_target}s"
    chart = score_dots("detection", detection_dots(found.detection, *colours), order, colours, description=about)
    planted = found.planted.get("mislabeled", 0)
    return DetectionTable(chart, found.detection, planted, planted / (found.train + planted))
