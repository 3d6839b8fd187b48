"""The page: one HTML file with everything in it, opened from disk, asking the network for nothing."""

import json
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from byrote.errors import ByroteError
from byrote.evidence.cached_reads import read_once
from byrote.explain import (
    check_copies,
    space,
)
from byrote.explain.neighbours import NEAR_DUPLICATE
from byrote.findings.attributed import read_attributed
from byrote.findings.cause_check import read_issues
from byrote.findings.copies import DONE, Copies, read_copies
from byrote.findings.evaluated_scores import Panel, read_panel
from byrote.findings.findings import Findings, findings
from byrote.membership.attacks import DELTA, RATES
from byrote.record import Record
from byrote.record.storage import Place, place, private_folder, replacing
from byrote.report import rows
from byrote.report.charts import COLOURS, Chart, curves, data_map, dots, heat_map, histogram, operating_curve
from byrote.report.copies import copy_items
from byrote.report.examples import Shown, read_shown
from byrote.report.gallery import SHOWN, exposed_items
from byrote.report.pictures import Album
from byrote.report.settings import command, settings
from byrote.report.verdict import percent, sentences, small
from byrote.stats.not_measured import NotMeasured
from byrote.summaries.one_run import Guesses, one_run_epsilon

SHOW = "window.vegaEmbed = vegaEmbed;"


def write_report(
    record: Record, path: Path | str | None = None, *, panel: Panel | None = None, found: Findings | None = None
) -> Place:
    """Write the report of a record to `path`, which may be a URL (default: report.html in its directory); return where it is.

    It is written whole or not at all. `panel` and `found` spare reading the scores and measuring a second time. Raises
    MissingEvidence for a record without a finished run.
    """
    target = record.directory / "report.html" if path is None else place(path)
    read = read_once(record)
    panel = panel or read_panel(record, read)
    found = found or findings(record, panel=panel, read=read)
    html = _render(record, found, panel)
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    return target


def embedded(value: Any) -> str:
    """Return JSON that cannot end a script element or open a comment, whatever strings are in it."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _render(record: Record, found: Findings, panel: Panel) -> str:
    import jinja2

    album, points = Album(record.population), space(record.population)
    checks = check_copies(record.population, points=points) if len(points.train) else ()
    copies = read_copies(record, points, checks)
    closest = [] if isinstance(copies, NotMeasured) else copy_items(record, copies, album)
    shown = read_shown(record, panel, album, points, checks)
    charts, notes = _charts(record, found, panel)
    items = [] if isinstance(shown, NotMeasured) else shown.items
    at_risk = (
        [] if isinstance(found.membership, NotMeasured) else exposed_items(record, found.membership.exposed, album)
    )
    data: dict[str, Any] = {
        "charts": {name: chart.spec for name, chart in charts.items()},
        "items": items,
        "pairs": [] if isinstance(shown, NotMeasured) else shown.pair_items,
        "copies": closest,
        "causes": [] if isinstance(shown, NotMeasured) else shown.causes,
        "pictures": album.pictures,
        "features": album.features,
    }
    folder = resources.files("byrote.report")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"percent": percent, "size": rows.text, "small": small, "points": rows.points}
    environment.tests["missing"] = lambda value: isinstance(value, NotMeasured)
    page = environment.from_string(folder.joinpath("page.html").read_text(encoding="utf-8"))
    return page.render(
        css=_safe(folder.joinpath("page.css").read_text(encoding="utf-8")),
        script=_safe(folder.joinpath("page.js").read_text(encoding="utf-8")),
        library=_safe(_library()),
        data=_safe(embedded(data)),
        found=found,
        verdict=_verdict(found, shown, copies),
        copies=copies,
        done=DONE,
        near=NEAR_DUPLICATE,
        closest=len(closest),
        pixels=album.has_pictures,
        issues=read_issues(record, points),
        shown=shown,
        attributed=read_attributed(record),
        shown_at_most=SHOWN,
        charts=charts,
        notes=notes,
        classes=sorted({item["label"] for item in items}),
        left_out=len(album.left_out),
        settings=settings(record, found),
        command=command(record),
        rates=RATES,
        delta=DELTA,
        most_epsilon=one_run_epsilon(Guesses(*[2 * (found.planted.get("mislabeled", 0) // 2)] * 3), delta=DELTA).value,
        epsilons=[]
        if isinstance(found.membership, NotMeasured)
        else [each.value for each in found.membership.epsilons],
        at_risk=at_risk,
        pictures=album.pictures,
    )


def _verdict(found: Findings, shown: Shown | NotMeasured, copies: Copies | NotMeasured) -> list[str]:
    """Return the sentences of the findings, with where to look first before the caveats on certainty."""
    said = sentences(found)
    if not isinstance(copies, NotMeasured) and copies.found.examples:
        share = f"{len(copies.found.examples):,} of {copies.looked_at:,} test examples ({percent(copies.found.share.value)})"
        said.insert(3, f"{share} almost equal a training example, so that their answers can be known by rote.")
    if isinstance(shown, NotMeasured):
        return said
    named = [f"{cause['count']} are called {cause['name']}" for cause in shown.causes if cause["count"]]
    look = f"Where to look first: of the {len(shown.items)} most memorized examples, {', '.join(named)}. The evidence is with each, below."
    return [*said[:3], look, *said[3:]]


def _safe(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # our own files, and JSON that `embedded` has escaped


def _library() -> str:
    """Return Vega as a script. To put it together takes seconds, so it is kept for the next report where that can be."""
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


def _charts(record: Record, found: Findings, panel: Panel) -> tuple[dict[str, Chart], dict[str, Any]]:
    """Return the charts that the record supports, by name, and the numbers that their captions need."""
    charts: dict[str, Chart] = {}
    notes: dict[str, Any] = {"drawn": 0, "of": 0, "shades": ()}
    values = panel.memorization
    if not isinstance(values, NotMeasured):
        train = values.value[record.population.where("train")]
        bars = rows.histogram_rows(train)
        charts["memorized"] = histogram(
            bars, COLOURS["real"], height=260, description="Memorization of real training examples"
        )
        for kind in found.planted:
            bars = rows.histogram_rows(values.value[record.population.canary == kind])
            about = f"Memorization of {kind} canaries"
            charts[f"memorized-{kind}"] = histogram(bars, COLOURS[kind], height=130, description=about)
    points = rows.map_rows(record, panel)
    notes["map"] = points
    if not isinstance(points, NotMeasured):
        charts["map"] = data_map(
            points[0], by=points[1], description="Variability against confidence of training examples"
        )
        drawn = sum(row["kind"] == "real" for row in points[0])
        notes |= {"drawn": drawn, "of": points[2], "shades": points[1]}
    real, planted = rows.curve_rows(record)
    lines = dict.fromkeys((row["series"] for row in real), "")
    palette = (COLOURS["real"], COLOURS["test"], "var(--muted)")
    if real:
        series = dict(zip(lines, palette, strict=False))
        charts["curves"] = curves(real, series, description="Accuracy on real examples over training")
    if planted:
        series = {row["series"]: COLOURS.get(row["kind"], "var(--muted)") for row in planted}
        charts["canary-curves"] = curves(planted, series, description="Accuracy on canaries over training")
    if not isinstance(found.agreement, NotMeasured):
        grid = rows.heat_rows(found.agreement)
        charts["agreement"] = heat_map(grid, found.agreement.scores, description="Agreement of every two scores")
    if not isinstance(found.detection, NotMeasured):
        series: dict[str, str] = {"averaged over all runs": COLOURS["mislabeled"], "from one run": COLOURS["test"]}
        ordered = [each.score for each in found.detection]
        table = rows.detection_rows(found.detection, *series)
        charts["detection"] = dots(table, ordered, series, description="How well each score finds planted wrong labels")
    if not isinstance(found.membership, NotMeasured):
        line, lowest = rows.attack_rows(found.membership)
        if line:
            charts["attack"] = operating_curve(line, lowest=lowest, description="Members found against others accused")
    return charts, notes
