"""Panels of reproduced figures as SVG pictures: they need no script, and are the same on a page and in a document."""

import math
from collections.abc import Sequence
from typing import Any

from byrote.experiments.reproductions.figure import Panel, Point

INKS = ("#1d4ed8", "#c2410c", "#15803d", "#7e22ce", "#6b7280", "#0e7490")
WIDTH, HEIGHT = 300, 220
ROW = 17
"""Height of a row of one series where `x` is a text."""

MANY = 20
"""Points of a series beyond which a curve is drawn without points, and with a band."""


def draw(panels: Sequence[Panel]) -> str:
    """Return one SVG picture with these panels side by side, at most two in a row."""
    import altair as alt
    import vl_convert

    found = [_panel(panel) for panel in panels]
    rows: Any = [alt.hconcat(*found[start : start + 2]).resolve_scale(color="independent") for start in range(0, len(found), 2)]  # fmt: skip
    picture = rows[0] if len(rows) == 1 else alt.vconcat(*rows).resolve_scale(color="independent")
    spec = picture.configure(background="white", padding={"left": 30, "right": 30, "top": 8, "bottom": 8}).configure_view(stroke="#d8d4cc").configure_axis(
        labelFontSize=11, titleFontSize=11, titleFontWeight="normal", gridColor="#eeece7"
    )  # fmt: skip
    return str(vl_convert.vegalite_to_svg(spec.to_dict()))


def _panel(panel: Panel) -> Any:
    import altair as alt

    texts = any(isinstance(point.x, str) for point in panel.points)
    series = list(dict.fromkeys(point.series for point in panel.points))
    colour = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=series, range=[INKS[at % len(INKS)] for at in range(len(series))]),
        legend=None if len(series) == 1 else alt.Legend(orient="bottom", columns=1, labelLimit=320, symbolOpacity=1),
    )
    rows = [_row(point, at) for at, point in enumerate(panel.points)]
    base = alt.Chart(alt.InlineData(values=rows)).encode(color=colour)
    title = alt.TitleParams(panel.title, anchor="start", fontSize=12)
    if texts:
        names = list(dict.fromkeys(str(point.x) for point in panel.points))
        base = base.encode(
            y=alt.Y("x:N", title=None, sort=names, axis=alt.Axis(labelLimit=200)),
            yOffset=alt.YOffset("series:N", sort=series),
        )
        value = base.mark_point(filled=True, size=45, opacity=1).encode(
            x=alt.X("y:Q", title=panel.y, scale=alt.Scale(zero=False))
        )
        interval = (
            base.mark_rule(strokeWidth=1.5)
            .transform_filter("isValid(datum.low)")
            .encode(x=alt.X("low:Q", title=panel.y), x2="high:Q")
        )
        height = max(80, (ROW * len(series) + 6) * len(names))
        return alt.layer(interval, value).properties(width=WIDTH, height=height, title=title)
    scale = alt.Scale(type="log", nice=False) if panel.log_x else alt.Scale(zero=False, nice=False)
    x = alt.X("x:Q", title=panel.x, scale=scale, axis=alt.Axis(tickCount=6))
    y = alt.Y("y:Q", title=panel.y, scale=alt.Scale(zero=False))
    line = base.mark_line(strokeWidth=2).encode(x=x, y=y, order=alt.Order("at:Q"))
    layers: list[Any] = [line]
    low = alt.Y("low:Q", title=panel.y)
    if len(rows) <= MANY * len(series):
        layers.append(base.mark_point(filled=True, size=28, opacity=1).encode(x=x, y=y))
        known = base.mark_rule(strokeWidth=1, opacity=0.7).transform_filter("isValid(datum.low)")
        layers.append(known.encode(x=x, y=low, y2="high:Q"))
    elif any(row["low"] is not None for row in rows):
        layers.insert(0, base.mark_area(opacity=0.15).encode(x=x, y=low, y2="high:Q"))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title)


def _row(point: Point, at: int) -> dict[str, Any]:
    def known(value: float) -> float | None:
        return None if math.isnan(value) or math.isinf(value) else round(value, 5)

    return {
        "series": point.series, "x": point.x, "y": known(point.y), "low": known(point.low), "high": known(point.high), "at": at,
    }  # fmt: skip
