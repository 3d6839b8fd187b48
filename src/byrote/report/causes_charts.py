"""The charts of the page on why a model memorizes: effects, shares, sweeps and the curve over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from byrote.experiments.laws import PowerLaw
from byrote.experiments.model_causes import ModelCauses, Sweep, TimeCurve
from byrote.findings.vocabulary import Vocabulary
from byrote.report.charts import PERCENT, Chart, Row, chart_of
from byrote.report.numbers import difference_text, percent_text
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

UP, DOWN, NOT_SHOWN = "raises it, shown", "lowers it, shown", "not shown"
INKS = {UP: "var(--mislabeled)", DOWN: "var(--ordinary)", NOT_SHOWN: "var(--muted)"}
PLAIN = {UP: "var(--real)", DOWN: "var(--real)", NOT_SHOWN: "var(--muted)"}
SERIES = {"gap": "var(--real)", "planted": "var(--mislabeled)", "accuracy": "var(--ordinary)"}


def effect_bars(found: ModelCauses, response: str, words: Vocabulary, *, description: str) -> Chart | None:
    """Draw what each factor does to a number, with its interval; None where it was not measured.

    The gap gets colours with a legend; the small charts beside it say by grey what is not shown, and the accuracy has no bad end.
    """
    import altair as alt

    each = found.effects[response]
    if isinstance(each, NotMeasured):
        return None
    factor = 100 if words.is_share else 1
    named = found.named if response == "gap" else each.shown()
    rows: list[dict[str, Any]] = []
    for at, size in enumerate(each.main):
        shown = NOT_SHOWN if at not in named else UP if size.value > 0 else DOWN
        rows.append(
            {
                "name": found.plan.factors[at].name,
                "change": f"{found.plan.factors[at].high} against {found.plan.factors[at].low}",
                "value": factor * size.value,
                "low": factor * size.low,
                "high": factor * size.high,
                "shown": shown,
                "text": difference_text(size, words, sign=True),
            }
        )
    rows.sort(key=lambda row: -row["value"])
    unit = "points" if words.is_share else words.right
    large = response == "gap"
    title = f"effect, high against low ({unit})" if large else unit
    inks = PLAIN if response == "accuracy" else INKS
    present = [name for name in INKS if any(row["shown"] == name for row in rows)]
    colour = alt.Color(
        "shown:N",
        title=None,
        scale=alt.Scale(domain=present, range=[inks[name] for name in present]),
        legend=alt.Legend(orient="bottom", columns=3) if large else None,
    )
    tips = [
        alt.Tooltip("name:N", title="factor"),
        alt.Tooltip("change:N", title="change"),
        alt.Tooltip("text:N", title="effect"),
    ]
    base = alt.Chart(alt.NamedData(name="rows")).encode(
        y=alt.Y("name:N", title=None, sort=[row["name"] for row in rows], axis=alt.Axis(labelLimit=170))
    )
    bars = base.mark_bar(height=16, opacity=0.75).encode(
        x=alt.X("value:Q", title=title, axis=alt.Axis(tickCount=6 if large else 4)), color=colour, tooltip=tips
    )
    ends = base.mark_rule(strokeWidth=1.8, color="var(--text)").encode(
        x=alt.X("low:Q", title=title), x2="high:Q", tooltip=tips
    )
    zero = alt.Chart(alt.InlineData(values=[{"zero": 0}])).mark_rule(color="var(--muted)").encode(x="zero:Q")
    return chart_of(f"effects-{response}", alt.layer(bars, ends, zero), rows, 34 * len(rows), description)


def share_bars(found: ModelCauses, *, description: str) -> Chart | None:
    """Draw the Shapley shares with their intervals; None where they were not measured."""
    import altair as alt

    gap = found.effects["gap"]
    if isinstance(gap, NotMeasured) or gap.shares is None or gap.total.value < 0:
        return None
    rows: list[dict[str, Any]] = [
        {"name": name, "value": size.value, "low": size.low, "high": size.high, "text": percent_text(size)}
        for name, size in zip(found.plan.names, gap.shares, strict=True)
    ]
    rows.sort(key=lambda row: -row["value"])
    tips = [alt.Tooltip("name:N", title="factor"), alt.Tooltip("text:N", title="share")]
    base = alt.Chart(alt.NamedData(name="rows")).encode(
        y=alt.Y("name:N", title=None, sort=[row["name"] for row in rows], axis=alt.Axis(labelLimit=170))
    )
    title = "share of the rise from all low to all high"
    x = alt.X("value:Q", title=title, axis=alt.Axis(labelExpr=PERCENT, tickCount=6))
    bars = base.mark_bar(height=16, opacity=0.75, color="var(--real)").encode(x=x, tooltip=tips)
    ends = base.mark_rule(strokeWidth=1.8, color="var(--text)").encode(
        x=alt.X("low:Q", title=title), x2="high:Q", tooltip=tips
    )
    return chart_of("shares", alt.layer(bars, ends), rows, 34 * len(rows), description)


def sweep_curves(name: str, sweep: Sweep, words: Vocabulary, *, title: str, accuracy: str, description: str) -> Chart:
    """Draw the gap and the accuracy along a sweep, with intervals of the means, and the fitted curve with its band."""
    import altair as alt

    lines = {"gap": ("gap", sweep.gap), "accuracy": (accuracy, sweep.accuracy)}
    rows = [row for key, (series, sizes) in lines.items() for row in _points(series, key, sweep.places, sizes, words)]
    fitted: list[dict[str, Any]] = []
    if isinstance(sweep.law, PowerLaw):
        grid = np.geomspace(min(sweep.places), max(sweep.places), 40)
        for place, (middle, low, high) in zip(grid, sweep.law.band(grid), strict=True):
            fitted.append(
                {"place": float(place), "value": float(middle), "low": float(low), "high": float(high), "panel": "gap"}
            )
    panels: list[Any] = []
    for key, (series, _) in lines.items():
        panels.append(
            _panel(
                [row for row in rows if row["key"] == key],
                fitted if key == "gap" else [],
                sweep.places,
                words,
                SERIES[key],
                title,
                series,
            )
        )
    return chart_of(name, alt.hconcat(*panels, spacing=30), [], 0, description)


def time_curves(curve: TimeCurve, words: Vocabulary, *, accuracy: str, description: str) -> Chart:
    """Draw what is memorized of planted wrong labels, and the accuracy, after epochs, with intervals of the means over runs."""
    import altair as alt

    planted = f"memorized of planted {words.wrong_target}s"
    rows = _points(planted, "planted", curve.epochs, curve.canaries, words)
    if curve.accuracy is not None:
        rows += _points(accuracy, "accuracy", curve.epochs, curve.accuracy, words)
    names = list(dict.fromkeys(row["series"] for row in rows))
    colours = [SERIES["planted"], SERIES["accuracy"]][: len(names)]
    colour = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(orient="bottom", columns=1, labelLimit=340, symbolOpacity=1),
    )
    axis = alt.Axis(labelExpr=PERCENT, tickCount=6) if words.is_share else alt.Axis(format=".2f", tickCount=6)
    base = alt.Chart(alt.NamedData(name="rows")).encode(
        x=alt.X("place:Q", title="epoch", axis=alt.Axis(tickMinStep=1, tickCount=8, format="d", grid=False)),
        color=colour,
    )
    tips = [alt.Tooltip("series:N"), alt.Tooltip("place:Q", title="epoch"), alt.Tooltip("text:N", title="mean")]
    band = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", title=None, axis=axis), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("value:Q", title=None, axis=axis))
    dots = base.mark_point(filled=True, size=24, opacity=1).encode(y="value:Q", tooltip=tips)
    return chart_of("time", alt.layer(band, line, dots), rows, 300, description)


def _panel(
    rows: Sequence[Row],
    fitted: Sequence[Row],
    places: Sequence[float],
    words: Vocabulary,
    ink: str,
    title: str,
    series: str,
) -> Any:
    import altair as alt

    axis = alt.Axis(labelExpr=PERCENT, tickCount=5) if words.is_share else alt.Axis(format=".2f", tickCount=5)
    log = alt.Scale(type="log", base=2, domain=[min(places) * 0.92, max(places) * 1.09], nice=False)
    x = alt.X("place:Q", title=title, scale=log, axis=alt.Axis(values=list(places), format="~g", grid=False))
    y = alt.Y("value:Q", title=series, axis=axis, scale=alt.Scale(zero=False))
    tips = [alt.Tooltip("place:Q", title=title), alt.Tooltip("text:N", title=series)]
    data = alt.InlineData(values=[dict(row) for row in rows])
    layers: list[Any] = []
    if fitted:
        curve = alt.Chart(alt.InlineData(values=[dict(row) for row in fitted])).encode(x=x)
        layers.append(curve.mark_area(opacity=0.16, color=ink).encode(y=alt.Y("low:Q", title=series), y2="high:Q"))
        layers.append(curve.mark_line(strokeWidth=2, color=ink).encode(y=y))
    else:
        joined = alt.Chart(data).encode(x=x)
        layers.append(joined.mark_area(opacity=0.16, color=ink).encode(y=alt.Y("low:Q", title=series), y2="high:Q"))
        layers.append(joined.mark_line(strokeWidth=1.5, color=ink, strokeDash=[4, 3]).encode(y=y))
    base = alt.Chart(data).encode(x=x, tooltip=tips)
    layers.append(base.mark_rule(strokeWidth=1.8, color=ink).encode(y=alt.Y("low:Q", title=series), y2="high:Q"))
    layers.append(base.mark_point(filled=True, size=60, opacity=1, color=ink).encode(y=y))
    return alt.layer(*layers).properties(width=330, height=260)


def _points(
    series: str, key: str, places: Sequence[float], sizes: Sequence[Estimate], words: Vocabulary
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for place, size in zip(places, sizes, strict=True):
        if np.isnan(size.value):
            continue
        low, high = (size.value if np.isnan(end) else end for end in (size.low, size.high))
        text = percent_text(size) if words.is_share else str(size)
        rows.append(
            {"series": series, "key": key, "place": place, "value": size.value, "low": low, "high": high, "text": text}
        )
    return rows
