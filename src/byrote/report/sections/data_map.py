"""The data map: variability against confidence of the probability of the label during training."""

from dataclasses import dataclass

from byrote.findings.evaluated_scores import Panel
from byrote.record import Record
from byrote.report.charts import Chart, data_map
from byrote.report.rows import kind_name, read_data_map
from byrote.report.sections.section import Section
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class DrawnMap:
    """The map, the values that can colour it, and how many of all `real` examples are `drawn`."""

    chart: Chart
    shades: tuple[str, ...]
    drawn: int
    real: int
    canaries: bool


def read_map(record: Record, panel: Panel) -> Section:
    """Return the data map, or why there is none."""
    found = read_data_map(record, panel)
    if isinstance(found, NotMeasured):
        return Section("map", "Data map", "Data map", found)
    chart = data_map("map", found, description="Variability against confidence of training examples")
    drawn = sum(point.kind == kind_name("real") for point in found.points)
    content = DrawnMap(chart, found.shades, drawn, found.real, len(found.points) > drawn)
    return Section("map", "Data map", "Data map", content, (chart,))
