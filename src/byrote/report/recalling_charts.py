"""The chart of a comparison of ways of keeping a list: what each recalls when inputs vary."""

from typing import Any

from byrote.experiments.recalling.way import Problem
from byrote.report.charts import PERCENT, Chart, chart_of, named_rows
from byrote.report.numbers import percent_text

INKS = (
    "var(--muted)",
    "var(--mislabeled)",
    "var(--noise)",
    "var(--real)",
    "var(--ordinary)",
    "var(--ambiguous)",
    "#b8478f",
)

AS_STORED = "as stored"


def variation_chart(problem: Problem) -> Chart | None:
    """Draw the recall of each way for each variation of the inputs, with intervals; None where nothing was varied."""
    import altair as alt

    ways = [way for way in problem.ways if way.varied]
    if not ways:
        return None
    rows: list[dict[str, Any]] = []
    for way in ways:
        for name, size in {AS_STORED: way.recall, **way.varied}.items():
            rows.append({"way": way.name, "variation": name, "value": size.value, "low": size.low, "high": size.high, "text": percent_text(size)})  # fmt: skip
    order, names = list(dict.fromkeys(row["variation"] for row in rows)), [way.name for way in ways]
    colour = alt.Color(
        "way:N", title=None, sort=names, scale=alt.Scale(domain=names, range=list(INKS[: len(names)])),
        legend=alt.Legend(orient="bottom", columns=2, labelLimit=300, symbolOpacity=1),
    )  # fmt: skip
    y = alt.Y("variation:N", title=None, sort=order, axis=alt.Axis(labelLimit=260))
    shift = alt.YOffset("way:N", sort=names)
    axis, scale = alt.Axis(labelExpr=PERCENT, tickCount=5), alt.Scale(domain=[0, 1])
    tips = [alt.Tooltip("way:N"), alt.Tooltip("variation:N", title="inputs"), alt.Tooltip("text:N", title="recall")]
    base = alt.Chart(named_rows()).encode(y=y, yOffset=shift, color=colour)
    ends = base.mark_rule(strokeWidth=1.8).encode(x=alt.X("low:Q", title="recall", scale=scale, axis=axis), x2="high:Q")
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(
        x=alt.X("value:Q", title="recall", scale=scale, axis=axis), tooltip=tips
    )
    description = f"{problem.recall_is} by {', '.join(names)}, as stored and with slightly varied inputs"
    return chart_of(
        f"varied-{problem.name}", alt.layer(ends, dots), rows, 34 + 17 * len(names) * len(order), description
    )
