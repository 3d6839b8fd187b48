"""Templating: how all pages of byrote are filled in. What a template is given is escaped, unless it is a file of ours."""

from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def environment() -> "Environment":
    """Return what fills in the templates; a name that a template uses and is not given is an error."""
    import jinja2  # only pages need it

    return jinja2.Environment(
        loader=jinja2.PackageLoader("byrote.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def safe(text: str) -> Any:
    """Return text that is not escaped: our own files, and what we have escaped or drawn."""
    from markupsafe import Markup

    return Markup(text)


def own_file(name: str) -> Any:
    """Return a file of this room, such as page.css, as it is."""
    return safe(resources.files("byrote.report").joinpath(name).read_text(encoding="utf-8"))
