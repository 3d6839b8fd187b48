"""Charts: typed rows -> Vega-Lite specifications, built with Altair. The page's theme fills in the colours."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from byrote.findings.vocabulary import Vocabulary
from byrote.report.numbers import count
from byrote.report.rows import AgreementCell, Bar, Curve, DataMap, OperatingDot, ScoreDot, kind_name

Row = Mapping[str, Any]

KINDS = ("real", "ordinary", "mislabeled", "noise", "ambiguous")
COLOURS = {kind: f"var(--{kind})" for kind in (*KINDS, "test")}
"""Names of the theme's colours, replaced by the page before it draws."""

DASHES = ([1, 0], [4, 2], [12, 3], [8, 2, 2, 2], [14, 2, 2, 2, 2, 2])
"""How the lines of attacks are broken. None is dotted: a dotted line is chance."""

DOTTED = [1, 4]
SHAPES = {"real": "circle", "ordinary": "square", "mislabeled": "cross", "noise": "triangle-up", "ambiguous": "diamond"}

PERCENT = "format(100 * datum.value, '~g') + '\u00a0%'"
"""The label of a tick on an axis of shares."""

NARROW = 420
"""Plots narrower than this many pixels get a smaller font and legends in one column."""


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification, its name on the page, and what it shows in one sentence for readers who cannot see it."""

    name: str
    spec: dict[str, Any]
    description: str


def histogram(name: str, bars: Sequence[Bar], colour: str, *, score: str, height: int, description: str) -> Chart:
    """Draw the share of examples in each bin of a `score`, with its interval."""
    import altair as alt

    left = min([-0.15, *(bar.left for bar in bars)])
    right = max([1.06, *(bar.right for bar in bars)])
    usual = right <= 1.06 and left >= -1.06
    axis = dict[str, Any](values=[-1, -0.5, 0, 0.5, 1], format=".1f") if usual else dict[str, Any](tickCount=6)
    top = max([0.01, *(bar.high for bar in bars)])
    x = alt.X(
        "left:Q",
        title=score,
        scale=alt.Scale(domain=[left, right], nice=False),
        axis=alt.Axis(**axis, grid=False),
    )
    y = alt.Y(
        "share:Q",
        title="share (square-root scale)",
        scale=alt.Scale(type="sqrt", domain=[0, top], nice=False),
        axis=alt.Axis(labelExpr=PERCENT, values=[0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1]),
    )
    tip = [
        alt.Tooltip("middle:Q", title=f"{score} about", format=".1f"),
        alt.Tooltip("count:Q", title="examples"),
        alt.Tooltip("share:Q", title="share", format=".2%"),
        alt.Tooltip("low:Q", title="90 % interval from", format=".2%"),
        alt.Tooltip("high:Q", title="to", format=".2%"),
    ]
    base = alt.Chart(named_rows())
    rects = base.mark_rect(color=colour, opacity=0.85).encode(x=x, x2="right:Q", y=y, y2=alt.Y2Datum(0), tooltip=tip)
    whisker = base.mark_rule(strokeWidth=1.5, color="var(--text)").encode(
        x="middle:Q", y="low:Q", y2="high:Q", tooltip=tip
    )
    return chart_of(name, alt.layer(rects, whisker), [asdict(bar) for bar in bars], height, description)


def data_map(name: str, found: DataMap, *, description: str) -> Chart:
    """Draw variability against confidence; the colour can be any of the shades."""
    import altair as alt

    shade = alt.param(name="shade", value=found.shades[0])
    colour = alt.Color(
        "shown:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1], range=["var(--ramp-0)", "var(--ramp-1)", "var(--ramp-2)"], clamp=True),
        legend=alt.Legend(orient="bottom", gradientLength=160, format=".1f"),
    )
    tips = [alt.Tooltip("id:N"), alt.Tooltip("label:N"), alt.Tooltip("kind:N")]
    tips += [alt.Tooltip(f"{column}:Q", format=".2f") for column in ("confidence", "variability", *found.shades)]
    points = (
        alt.Chart(named_rows())
        .mark_point(filled=True, opacity=0.8)
        .transform_calculate(shown="datum[shade]")
        .encode(
            x=alt.X(
                "variability:Q",
                title="variability: standard deviation over epochs",
                scale=alt.Scale(domainMin=0),
                axis=alt.Axis(tickCount=6),
            ),
            y=alt.Y(
                "confidence:Q",
                title="confidence: mean probability of the label",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(tickCount=5),
            ),
            color=colour,
            shape=_kind_shape(found),
            size=alt.condition("datum.kind == 'real'", alt.value(22), alt.value(70)),
            tooltip=tips,
        )
        .add_params(shade)
    )
    rows: list[Row] = []
    for point in found.points:
        row = asdict(point)
        rows.append({**row, **row.pop("shades")})
    return chart_of(name, points, rows, 420, description)


def _kind_shape(found: DataMap) -> Any:
    import altair as alt

    present = {point.kind for point in found.points}
    kinds = [kind for kind in KINDS if kind_name(kind) in present]
    return alt.Shape(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=[kind_name(kind) for kind in kinds], range=[SHAPES[kind] for kind in kinds]),
        legend=alt.Legend(orient="bottom", columns=_columns(4)) if len(kinds) > 1 else None,
    )


def curves(
    name: str, found: Sequence[Curve], colours: Mapping[str, str], words: Vocabulary, *, description: str
) -> Chart:
    """Draw accuracy over steps with bands; `colours` are those of the curves by name.

    Curves of models that were not trained on the examples are dashed.
    """
    import altair as alt

    legend = alt.Legend(
        orient="bottom", columns=_columns(2), labelLimit=320, symbolOpacity=1, symbolSize=600, symbolType="stroke"
    )
    inks = alt.Scale(domain=list(colours), range=list(colours.values()))
    colour = alt.Color("series:N", title=None, scale=inks, legend=legend)
    trained = {curve.name: curve.trained for curve in found}
    patterns = alt.Scale(domain=list(colours), range=[[1, 0] if trained[name] else [5, 4] for name in colours])
    dash = alt.StrokeDash("series:N", title=None, scale=patterns, legend=legend)
    tips = [
        alt.Tooltip("series:N"),
        alt.Tooltip("step:Q", title="epoch"),
        alt.Tooltip("value:Q", title=words.right, format=".1%" if words.is_share else ".2f"),
        alt.Tooltip("interval:N", title="90 % interval"),
        alt.Tooltip("behind:N", title="mean of"),
    ]
    last = max([2, *(point.step for curve in found for point in curve.points)])
    x = alt.X(
        "step:Q",
        title="epoch",
        scale=alt.Scale(domain=[1, last], nice=False, padding=8),
        axis=alt.Axis(tickMinStep=1, tickCount=6, format="d", grid=False),
    )
    base = alt.Chart(named_rows()).encode(x=x, color=colour)
    axis = alt.Axis(labelExpr=PERCENT, tickCount=6) if words.is_share else alt.Axis(format=".2f", tickCount=6)
    right = alt.Y("value:Q", title=words.right, axis=axis, scale=alt.Scale(zero=False))
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=words.right), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=right, strokeDash=dash)
    dots = base.mark_point(filled=True, size=18, opacity=1).encode(y=right, tooltip=tips)
    return chart_of(name, alt.layer(band, line, dots), _curve_rows(found, words), 320, description)


def _curve_rows(found: Sequence[Curve], words: Vocabulary) -> list[Row]:
    rows: list[Row] = []
    for curve in found:
        common = {"series": curve.name}
        for point in curve.points:
            interval = f"none from {count(point.runs, 'run')}"
            if point.low is not None and point.high is not None:
                ends = (f"{100 * end:.1f} %" if words.is_share else f"{end:.2f}" for end in (point.low, point.high))
                interval = " to ".join(ends)
            rows.append({**common, **asdict(point), "interval": interval, "behind": count(point.runs, "run")})
    return rows


def heat_map(name: str, cells: Sequence[AgreementCell], order: Sequence[str], *, description: str) -> Chart:
    """Draw the agreement of every two scores; the colour can be the rank correlation or the overlap."""
    import altair as alt

    shade = alt.param(name="shade", value="rank")
    size = max(30, min(48, 420 // max(len(order), 1)))
    axis = alt.Axis(labelLimit=130, domain=False, ticks=False)
    base = (
        alt.Chart(named_rows())
        .transform_calculate(shown="datum[shade]")
        .transform_calculate(word="isValid(datum.shown) ? replace(format(datum.shown, '.2f'), '0.', '.') : '\u2013'")
        .encode(
            x=alt.X("second:N", title=None, sort=list(order), axis=axis.copy()).axis(labelAngle=-45),
            y=alt.Y("first:N", title=None, sort=list(order), axis=axis),
        )
    )
    scale = alt.Scale(domain=[-1, 0, 1], range=["var(--cold)", "var(--panel)", "var(--real)"], clamp=True)
    tips = [alt.Tooltip("first:N", title="score"), alt.Tooltip("second:N", title="with")]
    tips += [
        alt.Tooltip("rank_text:N", title="rank correlation"),
        alt.Tooltip("overlap_text:N", title="overlap of the first 10 %"),
    ]
    tiles = base.mark_rect(cornerRadius=2).encode(color=alt.Color("shown:Q", scale=scale, legend=None), tooltip=tips)
    words = base.mark_text(fontSize=alt.expr(f"width < {NARROW} ? 9 : 12")).encode(
        text="word:N",
        color=alt.condition("abs(datum.shown) > 0.6", alt.value("var(--on-strong)"), alt.value("var(--text)")),
        tooltip=tips,
    )
    rows = [asdict(cell) for cell in cells]
    return chart_of(name, alt.layer(tiles, words).add_params(shade), rows, size * len(order), description)


def score_dots(
    name: str, found: Sequence[ScoreDot], order: Sequence[str], colours: Mapping[str, str], *, description: str
) -> Chart:
    """Draw the AUROC of scores with intervals, one line for each score, one colour for each series."""
    import altair as alt

    tips = [
        alt.Tooltip("name:N", title="score"),
        alt.Tooltip("series:N", title="computed"),
        alt.Tooltip("text:N", title="AUROC"),
    ]
    base = alt.Chart(named_rows()).encode(
        y=alt.Y("name:N", title=None, sort=list(order), axis=alt.Axis(labelLimit=150)),
        yOffset=alt.YOffset("series:N", sort=list(colours)),
        color=alt.Color(
            "series:N",
            title=None,
            scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            legend=alt.Legend(orient="bottom", columns=1, labelLimit=320),
        ),
    )
    lowest = min([0.4, *(dot.low for dot in found if dot.low is not None)])
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
    return chart_of(name, alt.layer(half, line, dot), [asdict(dot) for dot in found], 34 * len(order), description)


def operating_curve(name: str, dots: Sequence[OperatingDot], *, lowest: float, description: str) -> Chart:
    """Draw log-log operating curves of attacks; the strongest in bold, with its interval."""
    import altair as alt

    log = alt.Scale(type="log", domain=[lowest, 1], nice=False)
    axis = alt.Axis(labelExpr=PERCENT, values=[10.0**e for e in range(-5, 1) if 10.0**e >= lowest])
    names = list(dict.fromkeys(dot.attack for dot in dots))
    legend = alt.Legend(
        orient="bottom", columns=_columns(3), symbolSize=600, symbolType="stroke", symbolStrokeColor="var(--text)"
    )
    patterns = alt.Scale(domain=names, range=DASHES[: len(names)])
    dashes = alt.StrokeDash("attack:N", title=None, scale=patterns, legend=legend)
    tips = [
        alt.Tooltip("attack:N"),
        alt.Tooltip("fpr:Q", title="false-positive rate", format=".2%"),
        alt.Tooltip("tpr:Q", title="true-positive rate", format=".2%"),
        alt.Tooltip("low:Q", title="90 % interval from", format=".2%"),
        alt.Tooltip("high:Q", title="to", format=".2%"),
    ]
    base = alt.Chart(named_rows()).encode(
        x=alt.X("fpr:Q", title="false-positive rate: non-members called members", scale=log, axis=axis),
        y=alt.Y("tpr:Q", title="true-positive rate: members found", scale=log, axis=axis),
    )
    thin = base.mark_line(strokeWidth=1.5, color="var(--muted)").transform_filter("!datum.first")
    bold = base.mark_line(strokeWidth=2.5, color="var(--mislabeled)").transform_filter("datum.first")
    band = base.mark_area(opacity=0.2, color="var(--mislabeled)").transform_filter("datum.first")
    target = base.mark_point(filled=True, size=40, opacity=0.01, color="var(--muted)").encode(tooltip=tips)
    ends = alt.InlineData(values=[{"x": lowest, "y": lowest}, {"x": 1, "y": 1}])
    chance = alt.Chart(ends).mark_line(strokeDash=DOTTED, color="var(--text)", strokeWidth=1).encode(x="x:Q", y="y:Q")
    band = band.encode(y=alt.Y("low:Q", scale=log, axis=axis), y2="high:Q")
    layers = (chance, band, thin.encode(strokeDash=dashes), bold.encode(strokeDash=dashes), target)
    return chart_of(name, alt.layer(*layers), [asdict(dot) for dot in dots], 340, description)


def chart_of(name: str, chart: Any, rows: Sequence[Row], height: int, description: str) -> Chart:
    """Return a chart of this name, as wide as the page, that reads the rows `named_rows`.

    Height 0: it has sizes of its own, as several panels have. Without rows it holds its data itself.
    """
    sized = chart.properties(width="container", height=height) if height else chart
    spec: dict[str, Any] = sized.properties(description=description).to_dict()
    datasets: dict[str, Any] = spec.setdefault("datasets", {})
    if rows:
        datasets["rows"] = [dict(row) for row in rows]
    return Chart(name, {key: value for key, value in spec.items() if key != "config"}, description)


def named_rows() -> Any:
    """Return the data that a chart reads: its rows, which are set when it is drawn."""
    import altair as alt

    return alt.NamedData(name="rows")


def _columns(most: int) -> Any:
    import altair as alt

    return alt.expr(f"width < {NARROW} ? 1 : {most}")
