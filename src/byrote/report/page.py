"""The page: one HTML file that holds all it shows, opened from disk, without any network connection."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from byrote.errors import ByroteError
from byrote.evidence.cached_reads import read_once
from byrote.findings.comparisons import Comparisons
from byrote.findings.copies import read_copies
from byrote.findings.evaluated_scores import Panel, read_panel
from byrote.findings.findings import Findings, findings
from byrote.findings.stages import Stage, silent
from byrote.findings.vocabulary import Vocabulary
from byrote.record import Record
from byrote.record.storage import Place, place, private_folder, replacing
from byrote.report import numbers
from byrote.report.charts import Chart
from byrote.report.examples import read_examples
from byrote.report.pictures import Album
from byrote.report.sections.agreement import read_agreements
from byrote.report.sections.canary_check import read_canary_check
from byrote.report.sections.copies import read_copies_section
from byrote.report.sections.data_map import read_map
from byrote.report.sections.dependents import read_dependents
from byrote.report.sections.distribution import read_distribution
from byrote.report.sections.learning import read_learning
from byrote.report.sections.membership import read_membership_section
from byrote.report.sections.memorized_examples import read_gallery
from byrote.report.sections.provenance import read_provenance
from byrote.report.sections.section import Section
from byrote.report.sections.summary import read_summary
from byrote.report.templating import environment, own_file, safe
from byrote.report.verdict import verdict
from byrote.stats.not_measured import NotMeasured

FILTERS: dict[str, Any] = {
    each.__name__: each
    for each in (
        numbers.percent,
        numbers.percent_text,
        numbers.small,
        numbers.text,
        numbers.behind,
        numbers.count,
        numbers.right,
        numbers.right_text,
        numbers.right_range,
        numbers.difference_text,
    )
}
"""How templates write numbers."""

SHOW = "window.vegaEmbed = vegaEmbed;"


def write_report(
    record: Record,
    path: Path | str | None = None,
    *,
    panel: Panel | None = None,
    found: Findings | None = None,
    comparisons: Comparisons | None = None,
    stage: Stage = silent,
) -> Place:
    """Write the report of a record to `path`, which may be a URL (default: report.html in its directory); return where it is.

    It is written whole or not at all. `panel`, `found` and `comparisons` (of the record's population) spare reading the scores,
    measuring and comparing a second time. `stage` is told what begins, in a few words. Raises MissingEvidence for a record
    without a finished run.
    """
    target = record.directory / "report.html" if path is None else place(path)
    read = read_once(record)
    panel = panel or read_panel(record, read)
    found = found or findings(record, panel=panel, read=read, stage=stage)
    album = Album(record.population)
    made = comparisons or Comparisons(record.population)
    html = _render(found, read_sections(record, found, panel, made, album, stage=stage), album)
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    return target


def read_sections(
    record: Record, found: Findings, panel: Panel, comparisons: Comparisons, album: Album, *, stage: Stage = silent
) -> tuple[Section, ...]:
    """Return the sections of the page in their order; the pictures of the examples that they show enter the album."""
    stage("usual distances, and planted copies")
    points, checks = comparisons.points, comparisons.checks
    stage("copies in the test set")
    copies = read_copies(record, points, checks, found=comparisons.contaminated)
    examples = read_examples(record, panel, points, checks, stage=stage)
    if found.accuracies.learned_nothing:
        examples = NotMeasured("The models learned nothing, so no example is memorized and none is listed.")
    stage("drawing the page")
    drawn_copies = read_copies_section(record, copies, album)  # first, because the budget for pictures is limited
    return (
        read_summary(found, verdict(found)),
        read_distribution(record, found, panel),
        read_gallery(record, examples, album, points),
        read_dependents(record, examples, album),
        drawn_copies,
        read_learning(record, found),
        read_map(record, panel),
        read_agreements(found, panel),
        read_canary_check(found, examples),
        read_membership_section(record, found, album),
        read_provenance(record, found),
    )


def embedded(value: Any) -> str:
    """Return JSON that cannot end a script element or open a comment, whatever strings are in it."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _render(found: Findings, sections: tuple[Section, ...], album: Album) -> str:
    shown: dict[str, Any] = {
        "pictures": album.pictures,
        "lines": album.lines,
        "signal": album.about_lines,
        "texts": album.texts,
        "columns": []
        if album.table is None
        else [list(pair) for pair in zip(album.table.names, album.table.usual, strict=True)],
        "kind": album.kind,
    }
    return rendered(found.name, sections, found.words, about="which training examples were memorized", shown=shown)


def rendered(
    name: str, sections: tuple[Section, ...], words: Vocabulary, *, about: str, shown: Mapping[str, Any] | None = None
) -> str:
    """Return a page of these sections as HTML; `about` says beside the name of byrote what it is, `shown` are its pictures."""
    data = page_data([chart for section in sections for chart in section.charts], words, **(shown or {}))
    for section in sections:
        data |= section.data
    return render_page("page.html", data, name=name, sections=sections, words=words, about=about)


def page_data(charts: Iterable[Chart], words: Vocabulary, **shown: Any) -> dict[str, Any]:
    """Return what the script of a page reads: its charts, and of examples what is `shown`; the rest is empty."""
    return {
        "charts": {chart.name: chart.spec for chart in charts},
        "items": [],
        "pairs": [],
        "copies": [],
        "most": 1.0,
        "pictures": {},
        "lines": {},
        "signal": None,
        "texts": {},
        "columns": [],
        "kind": "",
        "words": {"target": words.target, "targets": words.targets, "among": words.among},
        **shown,
    }


def render_page(template: str, data: Mapping[str, Any], **context: Any) -> str:
    """Return a page of byrote: a template with what all pages share, and what the script reads (`charts`, `items` ...)."""
    pages = environment()
    pages.filters.update(FILTERS)
    pages.tests["missing"] = numbers.is_missing
    return pages.get_template(template).render(
        css=own_file("page.css"),
        script=own_file("page.js"),
        library=safe(_library()),
        data=safe(embedded(data)),
        **context,
    )


def _library() -> str:
    """Return Vega as a script. Building it takes seconds, so it is kept for the next report where that is possible."""
    import vl_convert

    try:
        kept = private_folder() / f"vega-{version('vl-convert-python')}.js"
        if not kept.exists():
            with replacing(kept) as path:
                path.write_text(vl_convert.javascript_bundle(SHOW), encoding="utf-8")
        script = kept.read_text(encoding="utf-8")
    except (ByroteError, OSError):
        script = str(vl_convert.javascript_bundle(SHOW))
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
