"""Notebook: how values show themselves as HTML in a notebook. Small, without any script, and all text escaped."""

import html
from collections.abc import Sequence

FRAME = "border-collapse:collapse;font-size:90%;font-variant-numeric:tabular-nums"
CELL = "padding:0.15em 0.8em 0.15em 0;text-align:left;vertical-align:top;border-bottom:1px solid rgba(128,128,128,0.35)"
QUIET = "opacity:0.75;margin:0.3em 0"

LONGEST = 160
"""Characters of a cell at most."""


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> str:
    """Return a title, a table and a note below it as HTML. Cells are shown as text, cut off where they are long."""
    head = "".join(f'<th style="{CELL};opacity:0.75;font-weight:500">{_text(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(f'<td style="{CELL}">{_text(cell)}</td>' for cell in row) + "</tr>" for row in rows)
    below = f'<p style="{QUIET}">{html.escape(note)}</p>' if note else ""
    inside = f'<table style="{FRAME}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>' if rows else ""
    return (
        f'<div style="max-width:60em"><p style="margin:0.3em 0;font-weight:600">{html.escape(title)}</p>'
        f"{inside}{below}</div>"
    )


def number(value: float, low: float, high: float) -> str:
    """Return a number with its interval as text: `0.91 [0.88, 0.94]`; or that it is undefined."""
    if value != value:
        return "undefined"
    return f"{value:.3g}" + ("" if low != low or high != high else f" [{low:.3g}, {high:.3g}]")


def _text(cell: object) -> str:
    text = str(cell)
    return html.escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
