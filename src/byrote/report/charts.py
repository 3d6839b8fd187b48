"""Charts: rows of plain values -> Vega-Lite specifications, built with Altair. The page's theme fills in the colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

KINDS = ("real", "ordinary", "mislabeled", "noise", "ambiguous")
COLOURS = {kind: f"var(--{kind})" for kind in (*KINDS, "test")}
"""Names of the theme's colours, replaced by the page before it draws."""

DASHES = ([1, 0], [4, 2], [12, 3], [1, 2], [8, 2, 2, 2])
SHAPES = {"real": "circle", "ordinary": "square", "mislabeled": "cross", "noise": "triangle-up", "ambiguous": "diamond"}

PERCENT = "format(100 * datum.value, '~g') + '\u00a0%'"
"""How an axis of shares is labelled."""

NARROW = 420
"""Plots less wide than this many pixels get smaller words and legends in one column."""


@dataclass(frozen=True)
class Chart:
    """A specification, and what it shows in one sentence for those who cannot see it."""

    spec: dict[str, Any]
    description: str


def histogram(rows: Sequence[Row], colour: str, *, height: int, description: str) -> Chart:
    """Draw shares per bin of memorization with their intervals. Rows: left, right, middle, share, low, high, count."""
    import altair as alt

    left = min([-0.15, *(row["left"] for row in rows)])
    top = max([0.01, *(row["high"] for row in rows)])
    x = alt.X(
        "left:Q",
        title="memorization",
        scale=alt.Scale(domain=[left, 1.06], nice=False),
        axis=alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format=".1f", grid=False),
    )
    y = alt.Y(
        "share:Q",
        title="share (root scale)",
        scale=alt.Scale(type="sqrt", domain=[0, top], nice=False),
        axis=alt.Axis(labelExpr=PERCENT, values=[0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1]),
    )
    tip = [
        alt.Tooltip("middle:Q", title="memorization about", format=".1f"),
        alt.Tooltip("count:Q", title="examples"),
        alt.Tooltip("share:Q", title="share", format=".2%"),
        alt.Tooltip("low:Q", title="90 % interval from", format=".2%"),
        alt.Tooltip("high:Q", title="to", format=".2%"),
    ]
    base = alt.Chart(_named())
    bars = base.mark_rect(color=colour, opacity=0.85).encode(x=x, x2="right:Q", y=y, y2=alt.Y2Datum(0), tooltip=tip)
    whisker = base.mark_rule(strokeWidth=1.5, color="var(--text)").encode(
        x="middle:Q", y="low:Q", y2="high:Q", tooltip=tip
    )
    return _chart(alt.layer(bars, whisker), rows, height, description)


def data_map(rows: Sequence[Row], *, by: Sequence[str], description: str) -> Chart:
    """Draw variability against confidence. Rows: id, kind, label, variability, confidence, and the columns of `by`."""
    import altair as alt

    shade = alt.param(name="shade", value=by[0])
    kinds = [kind for kind in KINDS if any(row["kind"] == named(kind) for row in rows)]
    colour = alt.Color(
        "shown:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1], range=["var(--ramp-0)", "var(--ramp-1)", "var(--ramp-2)"], clamp=True),
        legend=alt.Legend(orient="bottom", gradientLength=160, format=".1f"),
    )
    shape = alt.Shape(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=[named(kind) for kind in kinds], range=[SHAPES[kind] for kind in kinds]),
        legend=alt.Legend(orient="bottom", columns=_columns(4)) if len(kinds) > 1 else None,
    )
    tips = [alt.Tooltip("id:N"), alt.Tooltip("label:N"), alt.Tooltip("kind:N")]
    tips += [alt.Tooltip(f"{name}:Q", format=".2f") for name in ("confidence", "variability", *by)]
    points = (
        alt.Chart(_named())
        .mark_point(filled=True, opacity=0.8)
        .transform_calculate(shown="datum[shade]")
        .encode(
            x=alt.X(
                "variability:Q",
                title="variability: how much it moved",
                scale=alt.Scale(domainMin=0),
                axis=alt.Axis(tickCount=6),
            ),
            y=alt.Y(
                "confidence:Q",
                title="confidence: mean probability of its label",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(tickCount=5),
            ),
            color=colour,
            shape=shape,
            size=alt.condition("datum.kind == 'real'", alt.value(22), alt.value(70)),
            tooltip=tips,
        )
        .add_params(shade)
    )
    return _chart(points, rows, 420, description)


def named(kind: str) -> str:
    """Return how a kind of example is called on the page: canaries are always called so."""
    return kind if kind == "real" else f"canary: {kind}"


def curves(rows: Sequence[Row], series: Mapping[str, str], *, description: str) -> Chart:
    """Draw accuracy over steps with bands. Rows: step, series, share, low, high, trained ("trained on it" or not)."""
    import altair as alt

    colour = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=list(series), range=list(series.values())),
        legend=alt.Legend(orient="bottom", columns=_columns(2), labelLimit=320, symbolOpacity=1),
    )
    dash = alt.StrokeDash("trained:N", legend=None, scale=alt.Scale(domain=["yes", "no"], range=[[1, 0], [5, 4]]))
    tips = [
        alt.Tooltip("series:N"),
        alt.Tooltip("step:Q", title="epoch"),
        alt.Tooltip("share:Q", title="right", format=".1%"),
        alt.Tooltip("low:Q", title="90 % interval from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
    last = max([2, *(row["step"] for row in rows)])
    x = alt.X(
        "step:Q",
        title="epoch",
        scale=alt.Scale(domain=[1, last], nice=False, padding=8),
        axis=alt.Axis(tickMinStep=1, tickCount=6, format="d", grid=False),
    )
    base = alt.Chart(_named()).encode(x=x, color=colour)
    right = alt.Y(
        "share:Q", title="right answers", axis=alt.Axis(labelExpr=PERCENT, tickCount=6), scale=alt.Scale(zero=False)
    )
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title="right answers"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=right, strokeDash=dash)
    dots = base.mark_point(filled=True, size=18, opacity=1).encode(y=right, tooltip=tips)
    return _chart(alt.layer(band, line, dots), rows, 320, description)


def heat_map(rows: Sequence[Row], order: Sequence[str], *, description: str) -> Chart:
    """Draw agreement of scores. Rows: first, second, rank, overlap, and their intervals as text."""
    import altair as alt

    shade = alt.param(name="shade", value="rank")
    size = max(30, min(48, 420 // max(len(order), 1)))
    axis = alt.Axis(labelLimit=130, domain=False, ticks=False)
    base = (
        alt.Chart(_named())
        .transform_calculate(shown="datum[shade]")
        .transform_calculate(word="replace(format(datum.shown, '.2f'), '0.', '.')")
        .encode(
            x=alt.X("second:N", title=None, sort=list(order), axis=axis.copy()).axis(labelAngle=-45),
            y=alt.Y("first:N", title=None, sort=list(order), axis=axis),
        )
    )
    scale = alt.Scale(domain=[-1, 0, 1], range=["var(--cold)", "var(--panel)", "var(--real)"], clamp=True)
    tips = [alt.Tooltip("first:N", title="score"), alt.Tooltip("second:N", title="with")]
    tips += [
        alt.Tooltip("rank_text:N", title="rank correlation"),
        alt.Tooltip("overlap_text:N", title="overlap of the tops"),
    ]
    cells = base.mark_rect(cornerRadius=2).encode(color=alt.Color("shown:Q", scale=scale, legend=None), tooltip=tips)
    words = base.mark_text(fontSize=alt.expr(f"width < {NARROW} ? 9 : 12")).encode(
        text="word:N",
        color=alt.condition("abs(datum.shown) > 0.6", alt.value("var(--on-strong)"), alt.value("var(--text)")),
        tooltip=tips,
    )
    return _chart(alt.layer(cells, words).add_params(shade), rows, size * len(order), description)


def dots(rows: Sequence[Row], order: Sequence[str], colours: Mapping[str, str], *, description: str) -> Chart:
    """Draw numbers between 0 and 1 with intervals, one line each. Rows: name, series, value, low, high, text."""
    import altair as alt

    tips = [
        alt.Tooltip("name:N", title="score"),
        alt.Tooltip("series:N", title="what"),
        alt.Tooltip("text:N", title="value"),
    ]
    base = alt.Chart(_named()).encode(
        y=alt.Y("name:N", title=None, sort=list(order), axis=alt.Axis(labelLimit=150)),
        yOffset=alt.YOffset("series:N", sort=list(colours)),
        color=alt.Color(
            "series:N",
            title=None,
            scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            legend=alt.Legend(orient="bottom", columns=1, labelLimit=320),
        ),
    )
    lowest = min([0.4, *(row["low"] for row in rows)])
    scale = alt.Scale(domain=[lowest, 1], nice=False, zero=False)
    x = alt.X(
        "value:Q",
        title="AUROC",
        scale=scale,
        axis=alt.Axis(format=".1f", values=[i / 10 for i in range(11)]),
    )
    line = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title="AUROC", scale=scale), x2="high:Q", tooltip=tips)
    dot = base.mark_point(filled=True, size=60, opacity=1).encode(x=x, tooltip=tips)
    half = (
        alt.Chart(alt.InlineData(values=[{"half": 0.5}]))
        .mark_rule(strokeDash=[3, 3], color="var(--muted)")
        .encode(x=alt.X("half:Q", scale=scale))
    )
    return _chart(alt.layer(half, line, dot), rows, 34 * len(order), description)


def operating_curve(rows: Sequence[Row], *, lowest: float, description: str) -> Chart:
    """Draw log-log operating curves of attacks. Rows: attack, fpr, tpr, low, high, first (the one in bold, with its interval)."""
    import altair as alt

    log = alt.Scale(type="log", domain=[lowest, 1], nice=False)
    axis = alt.Axis(labelExpr=PERCENT, values=[10.0**e for e in range(-5, 1) if 10.0**e >= lowest])
    names = list(dict.fromkeys(row["attack"] for row in rows))
    legend = alt.Legend(
        orient="bottom", columns=_columns(3), symbolSize=600, symbolType="stroke", symbolStrokeColor="var(--text)"
    )
    patterns = alt.Scale(domain=names, range=DASHES[: len(names)])
    dashes = alt.StrokeDash("attack:N", title=None, scale=patterns, legend=legend)
    tips = [
        alt.Tooltip("attack:N"),
        alt.Tooltip("fpr:Q", title="others accused", format=".2%"),
        alt.Tooltip("tpr:Q", title="members found", format=".2%"),
        alt.Tooltip("low:Q", title="90 % interval from", format=".2%"),
        alt.Tooltip("high:Q", title="to", format=".2%"),
    ]
    base = alt.Chart(_named()).encode(
        x=alt.X("fpr:Q", title="others wrongly accused", scale=log, axis=axis),
        y=alt.Y("tpr:Q", title="members found", scale=log, axis=axis),
    )
    thin = base.mark_line(strokeWidth=1.5, color="var(--muted)").transform_filter("!datum.first")
    bold = base.mark_line(strokeWidth=2.5, color="var(--mislabeled)").transform_filter("datum.first")
    band = base.mark_area(opacity=0.2, color="var(--mislabeled)").transform_filter("datum.first")
    dot = base.mark_point(filled=True, size=40, opacity=0.01, color="var(--muted)").encode(tooltip=tips)
    ends = alt.InlineData(values=[{"x": lowest, "y": lowest}, {"x": 1, "y": 1}])
    chance = alt.Chart(ends).mark_line(strokeDash=[1, 4], color="var(--text)", strokeWidth=1).encode(x="x:Q", y="y:Q")
    band = band.encode(y=alt.Y("low:Q", scale=log, axis=axis), y2="high:Q")
    layers = (chance, band, thin.encode(strokeDash=dashes), bold.encode(strokeDash=dashes), dot)
    return _chart(alt.layer(*layers), rows, 340, description)


def _chart(chart: Any, rows: Sequence[Row], height: int, description: str) -> Chart:
    spec: dict[str, Any] = chart.properties(width="container", height=height, description=description).to_dict()
    datasets: dict[str, Any] = spec.setdefault("datasets", {})
    datasets["rows"] = [dict(row) for row in rows]
    return Chart({key: value for key, value in spec.items() if key != "config"}, description)


def _named() -> Any:
    import altair as alt

    return alt.NamedData(name="rows")


def _columns(most: int) -> Any:
    import altair as alt

    return alt.expr(f"width < {NARROW} ? 1 : {most}")
