"""Section: one part of the page, with everything that its template, the charts and the script need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byrote.report.charts import Chart
from byrote.stats.not_measured import NotMeasured


@dataclass(frozen=True)
class Section:
    """One part of the page.

    `name` is its id, and the name of its template unless `template` names another; `contents` is its name in the table of
    contents, `title` its heading. `content` is what the template shows, or why there is nothing to show.
    `charts` are drawn, and `data` is read, by the script.
    """

    name: str
    contents: str
    title: str
    content: Any
    charts: tuple[Chart, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    template: str = ""

    @property
    def absent(self) -> NotMeasured | None:
        """Why there is nothing to show; None where there is."""
        return self.content if isinstance(self.content, NotMeasured) else None
