"""The charts of the page on a wanted list: recall over epochs, and recall of inputs that are changed slightly."""

from typing import Any

import numpy as np

from byrote.experiments.memorize import AS_IT_IS, BOTH, FREE, LEFT_OUT, WEIGHTED, Memorized
from byrote.experiments.variations import Kind, kinds_of
from byrote.report.charts import NARROW, PERCENT, Chart, chart_of, named_rows
from byrote.report.numbers import percent_text
from byrote.stats.estimate import Estimate

INKS = {
    AS_IT_IS: "var(--text)",
    WEIGHTED: "var(--mislabeled)",
    FREE: "var(--real)",
    BOTH: "var(--noise)",
    LEFT_OUT: "var(--muted)",
}

AXES: dict[Kind, str] = {
    "noise": "noise, standard deviations",
    "shift": "moved by up to, % of the size",
    "cells": "changed cells",
}


def epochs_chart(found: Memorized) -> Chart:
    """Draw the recall of the wanted examples after each epoch, with the spread over runs, and the floor."""
    import altair as alt

    rows: list[dict[str, Any]] = []
    for arm in found.arms:
        for epoch, values in enumerate(arm.over_epochs.T, start=1):
            if not np.isnan(values).any():
                mean = {"value": float(values.mean()), "low": float(values.min()), "high": float(values.max())}
                text = f"{mean['value']:.1%}, from {mean['low']:.1%} to {mean['high']:.1%} over runs"
                rows.append({"series": arm.title, "epoch": epoch, "text": text, **mean})
    base = alt.Chart(named_rows()).encode(
        x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, tickCount=8, format="d", grid=False)),
        color=_colour(found, rows),
    )
    axis = alt.Axis(labelExpr=PERCENT, tickCount=6)
    y = alt.Y("value:Q", title="wanted examples recalled", axis=axis, scale=alt.Scale(zero=False))
    tips = [alt.Tooltip("series:N"), alt.Tooltip("epoch:Q"), alt.Tooltip("text:N", title="recall")]
    band = base.mark_area(opacity=0.14).encode(y=alt.Y("low:Q", title="wanted examples recalled"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=y)
    dots = base.mark_point(filled=True, size=20, opacity=1).encode(y=y, tooltip=tips)
    floor = alt.Chart(alt.InlineData(values=[{"floor": found.floor}])).mark_rule(strokeDash=[5, 4], color="var(--muted)").encode(y="floor:Q")  # fmt: skip
    about = "Recall of the wanted examples after each epoch, for each way of training, with the floor"
    return chart_of("wanted-epochs", alt.layer(band, floor, line, dots), rows, 340, about)


def varied_chart(found: Memorized) -> Chart | None:
    """Draw the recall of the wanted examples against the size of each kind of change; None where none suits the inputs."""
    import altair as alt

    kinds = kinds_of([each.variation for each in found.arms[0].varied])
    if not kinds:
        return None
    panels: list[Any] = []
    for kind in kinds:
        rows = _varied_rows(found, kind)
        base = alt.Chart(alt.InlineData(values=rows)).encode(
            x=alt.X("size:Q", title=AXES[kind], axis=alt.Axis(values=sorted({row["size"] for row in rows}), format=".3~g", grid=False)),
            color=_colour(found, rows),
        )  # fmt: skip
        axis = alt.Axis(labelExpr=PERCENT, tickCount=6)
        y = alt.Y("value:Q", title="recalled", axis=axis, scale=alt.Scale(domain=[0, 1]))
        tips = [alt.Tooltip("series:N"), alt.Tooltip("size:Q", title=AXES[kind]), alt.Tooltip("text:N", title="recall")]
        ends = base.mark_rule(strokeWidth=1.4).encode(y=alt.Y("low:Q", title="recalled"), y2="high:Q")
        line = base.mark_line(strokeWidth=2).encode(y=y)
        dots = base.mark_point(filled=True, size=40, opacity=1).encode(y=y, tooltip=tips)
        panels.append(alt.layer(ends, line, dots).properties(width=330, height=260))
    about = "Recall of the wanted examples against the size of slight changes of their inputs, for each way of training"
    return chart_of("wanted-varied", alt.hconcat(*panels, spacing=30), [], 0, about)


def _varied_rows(found: Memorized, kind: Kind) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for arm in found.arms:
        rows.append(_row(arm.title, 0.0, arm.recall))
        for each in arm.varied:
            if each.variation.kind == kind:
                size = 12.5 * each.variation.size if kind == "shift" else each.variation.size
                rows.append(_row(arm.title, size, each.recall))
    return rows


def _row(series: str, size: float, recall: Estimate) -> dict[str, Any]:
    return {
        "series": series, "size": size, "value": recall.value, "low": recall.low, "high": recall.high, "text": percent_text(recall),
    }  # fmt: skip


def _colour(found: Memorized, rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    shown = {row["series"] for row in rows}
    arms = [arm for arm in found.arms if arm.title in shown]
    return alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=[arm.title for arm in arms], range=[INKS[arm.arm] for arm in arms]),
        legend=alt.Legend(
            orient="bottom", columns=alt.expr(f"width < {NARROW} ? 1 : 2"), labelLimit=320, symbolOpacity=1
        ),
    )
