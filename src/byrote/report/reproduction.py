"""The page of a reproduction: each figure next to the assertions that it must satisfy, in one HTML file without scripts."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from byrote.experiments.reproductions.figure import Figure, spelled
from byrote.record.storage import Place, place, replacing
from byrote.report.panels import draw


def write_reproduction(
    figures: Sequence[Figure], path: Path | str, *, title: str, scale: str, command: str = ""
) -> Place:
    """Write the page to `path`, whole or not at all, and return where it is. `title` names the paper."""
    import jinja2
    from markupsafe import Markup

    folder = resources.files("byrote.report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("byrote.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["spelled"] = spelled
    environment.filters["slug"] = _slug
    html = environment.get_template("reproduction.html").render(
        css=Markup(folder.joinpath("page.css").read_text(encoding="utf-8")),
        figures=figures,
        pictures={each.name: Markup(draw(each.panels)) for each in figures if each.panels},
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
