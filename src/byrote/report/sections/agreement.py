"""Agreement of scores: which cheaper score can stand in for memorization on this problem."""

from collections.abc import Mapping
from dataclasses import dataclass

from byrote.findings.evaluated_scores import Panel
from byrote.findings.findings import Findings
from byrote.report.charts import Chart, heat_map
from byrote.report.rows import agreement_cells
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class Agreements:
    """The agreement of every two scores, or why there is none; `absent` scores have no values, with the reason.

    `top` most memorized examples are compared for the overlap.
    """

    chart: Chart | NotMeasured
    top: int
    absent: Mapping[str, NotMeasured]


def read_agreements(found: Findings, panel: Panel) -> Section:
    """Return the agreement of scores, and the scores without values."""
    agreement = found.agreement
    if isinstance(agreement, NotMeasured):
        content, charts = Agreements(agreement, 0, panel.reasons), ()
    else:
        about = "Agreement of every two scores"
        chart = heat_map("agreement", agreement_cells(agreement), agreement.scores, description=about)
        content, charts = Agreements(chart, agreement.top, panel.reasons), (chart,)
    return Section("agreement", "Cheaper scores", "Do cheaper scores agree with memorization?", content, charts)
