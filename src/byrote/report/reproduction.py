"""The page of a reproduction: each figure next to the assertions that it must satisfy, in one HTML file without scripts."""

from collections.abc import Sequence
from pathlib import Path

from byrote.experiments.reproductions.figure import Figure, spelled
from byrote.record.storage import Place, place, replacing
from byrote.report.panels import draw
from byrote.report.templating import environment, own_file, safe


def write_reproduction(
    figures: Sequence[Figure], path: Path | str, *, title: str, scale: str, command: str = ""
) -> Place:
    """Write the page to `path`, whole or not at all, and return where it is. `title` names the paper."""
    pages = environment()
    pages.filters.update({"spelled": spelled, "slug": _slug})
    html = pages.get_template("reproduction.html").render(
        css=own_file("page.css"),
        figures=figures,
        pictures={each.name: safe(draw(each.panels)) for each in figures if each.panels},
        title=title,
        scale=scale,
        command=command,
    )
    target = place(path)
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    return target


def _slug(name: str) -> str:
    return name.replace(" ", "-").replace("/", "-")
