"""The charts of a language audit: what is recited over the length of prefix and suffix, and by copies; exposure of canaries."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from byrote.findings.language import LanguageFindings, PlantedSecrets, copies_text
from byrote.report.charts import PERCENT, Chart, Row, chart_of
from byrote.report.numbers import percent_text
from byrote.stats.estimate import Estimate

TRAINED, CONTROL, REFERENCE = "training text", "control text", "reference model, training text"
INKS = {TRAINED: "var(--mislabeled)", CONTROL: "var(--ordinary)", REFERENCE: "var(--muted)"}


def rate_curves(found: LanguageFindings, *, description: str) -> Chart:
    """Draw the share of passages that is recited against the length of the prefix, one panel for each length of the suffix."""
    import altair as alt

    panels: list[Any] = []
    suffixes = sorted({each.suffix for each in found.rates})
    top = max(
        [0.02, *(end for each in found.rates for end in (each.greedy.high, each.control.high) if not np.isnan(end))]
    )
    for suffix in suffixes:
        rows: list[dict[str, Any]] = []
        for each in (one for one in found.rates if one.suffix == suffix):
            rows += _points(each.prefix, {TRAINED: each.greedy, CONTROL: each.control})
        panels.append(
            _panel(rows, f"{suffix} tokens asked for", top, sorted({row["place"] for row in rows}), not panels)
        )
    return chart_of("rates", alt.concat(*panels, columns=3, spacing=16), [], 0, description)


def copy_bars(found: LanguageFindings, *, description: str) -> Chart | None:
    """Draw the share that is recited by how often a passage stands in the training text; None for one range of copies."""
    import altair as alt

    if len(found.by_copies) < 2:
        return None
    order = [copies_text(each) for each in found.by_copies]
    rows = [
        {"place": copies_text(each), "value": each.greedy.value, "low": each.greedy.low, "high": each.greedy.high, "text": percent_text(each.greedy), "n": each.greedy.n}
        for each in found.by_copies
    ]  # fmt: skip
    tips = [
        alt.Tooltip("place:N", title="copies"),
        alt.Tooltip("text:N", title="recited"),
        alt.Tooltip("n:Q", title="passages"),
    ]
    base = alt.Chart(alt.NamedData(name="rows")).encode(
        x=alt.X(
            "place:N",
            title="times that the passage stands in the training text",
            sort=order,
            axis=alt.Axis(labelAngle=0),
        )
    )
    y = alt.Y(
        "value:Q",
        title="recited word for word",
        axis=alt.Axis(labelExpr=PERCENT, tickCount=5),
        scale=alt.Scale(domainMin=0),
    )
    ends = base.mark_rule(strokeWidth=1.8, color="var(--mislabeled)").encode(
        y=alt.Y("low:Q", title="recited word for word"), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=70, opacity=1, color="var(--mislabeled)").encode(y=y, tooltip=tips)
    return chart_of("copies", alt.layer(ends, dots), rows, 240, description)


def exposure_curves(found: PlantedSecrets, *, description: str) -> Chart:
    """Draw the mean exposure in bits against the number of copies, a line for each family; 1.44 bits is none."""
    import altair as alt

    rows = [
        {"series": family, "place": str(copies), "at": copies, "value": size.value, "low": size.low, "high": size.high, "text": str(size)}
        for family, copies, size in found.by_copies
    ]  # fmt: skip
    order = [str(at) for at in sorted({int(row["at"]) for row in rows})]
    base = alt.Chart(alt.NamedData(name="rows")).encode(
        x=alt.X("place:N", title="copies in the training text (0: never planted)", sort=order, axis=alt.Axis(labelAngle=0)),
        color=alt.Color("series:N", title=None, legend=alt.Legend(orient="bottom"), scale=alt.Scale(range=["var(--real)", "var(--noise)", "var(--test)"])),
        xOffset="series:N",
    )  # fmt: skip
    tips = [
        alt.Tooltip("series:N", title="family"),
        alt.Tooltip("place:N", title="copies"),
        alt.Tooltip("text:N", title="bits"),
    ]
    ends = base.mark_rule(strokeWidth=1.8).encode(y=alt.Y("low:Q", title="exposure, bits"), y2="high:Q")
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        y=alt.Y("value:Q", title="exposure, bits"), tooltip=tips
    )
    none = (
        alt.Chart(alt.InlineData(values=[{"none": 1 / np.log(2)}]))
        .mark_rule(strokeDash=[4, 4], color="var(--muted)")
        .encode(y="none:Q")
    )
    return chart_of("exposure", alt.layer(none, ends, dots), rows, 260, description)


def _panel(rows: Sequence[Row], title: str, top: float, places: Sequence[int], first: bool) -> Any:
    import altair as alt

    present = [each for each in INKS if any(row["series"] == each for row in rows)]
    name = "recited word for word" if first else None
    base = alt.Chart(alt.InlineData(values=[dict(row) for row in rows])).encode(
        x=alt.X("place:Q", title="tokens given", axis=alt.Axis(values=list(places), grid=False), scale=alt.Scale(zero=True)),
        color=alt.Color("series:N", title=None, scale=alt.Scale(domain=present, range=[INKS[each] for each in present]), legend=alt.Legend(orient="bottom", symbolOpacity=1)),
    )  # fmt: skip
    tips = [
        alt.Tooltip("series:N"),
        alt.Tooltip("place:Q", title="tokens given"),
        alt.Tooltip("text:N", title="recited"),
    ]
    y = alt.Y("value:Q", title=name, axis=alt.Axis(labelExpr=PERCENT, tickCount=5), scale=alt.Scale(domain=[0, top]))
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title=name), y2="high:Q")
    lines = base.mark_line(strokeWidth=2).encode(y=y)
    dots = base.mark_point(filled=True, size=45, opacity=1).encode(y=y, tooltip=tips)
    return alt.layer(band, lines, dots).properties(width=195, height=220, title=title)


def _points(place: int, sizes: dict[str, Estimate]) -> list[dict[str, Any]]:
    return [
        {
            "series": name,
            "place": place,
            "value": size.value,
            "low": size.low,
            "high": size.high,
            "text": percent_text(size),
        }
        for name, size in sizes.items()
        if not np.isnan(size.value)
    ]
