"""The two pictures of a comparison: the front of memorization and accuracy, and how well wrong labels are fitted."""

from collections.abc import Sequence
from typing import Any

from byrote.experiments.compare import Comparison, Result
from byrote.experiments.remedies import UNCHANGED
from byrote.findings.vocabulary import Vocabulary, vocabulary
from byrote.report.charts import NARROW, PERCENT, Chart, chart_of, named_rows

INKS = (
    "var(--real)", "var(--mislabeled)", "var(--ordinary)", "var(--test)", "var(--noise)", "var(--ambiguous)",
    "#b8478f", "#7a8b00", "#8c5a3c", "#5c6bc0", "#d1495b", "#4d908e",
)  # fmt: skip
"""One colour per control, the same in light and dark."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")

FEW = 2
"""Runs of an arm that was set aside with which its interval is not drawn."""

BELOW = 0.15
"""Arms whose accuracy is this much below that of the unchanged task lie outside the picture, and are named below it."""


def front_chart(comparison: Comparison) -> tuple[Chart, list[str]]:
    """Draw accuracy against memorization with intervals as crosses; return which arms lie too low to be drawn, too."""
    words = vocabulary(comparison.objective)
    about = f"{words.heading} against memorization, for each remedy and strength"
    return _chart(comparison, "front", "memorization", "memorization", words, about)


def wrong_label_chart(comparison: Comparison) -> tuple[Chart, list[str]]:
    """Draw accuracy against the share of planted wrong labels that are learned (Arpit et al., 2017, figure 10)."""
    words = vocabulary(comparison.objective)
    title = f"planted {words.wrong_target}s that are learned"
    about = f"{words.heading} against the fit of planted {words.wrong_target}s, for each remedy and strength"
    return _chart(comparison, "wrong-labels", "wrong labels fitted", title, words, about)


def _chart(
    comparison: Comparison, name: str, across: str, title: str, words: Vocabulary, about: str
) -> tuple[Chart, list[str]]:
    import altair as alt

    base = comparison.unchanged.levels["accuracy"].value
    shown = [each for each in comparison.results if each.levels[across].value == each.levels[across].value]
    low = [each.arm for each in shown if each.levels["accuracy"].value < base - BELOW]
    shown = [each for each in shown if each.arm not in low]
    several = {each.family for each in shown if sum(other.family == each.family for other in shown) > 1}
    rows = [_row(each, across, words, labelled=each.family in several) for each in shown]
    families = list(dict.fromkeys(each.family for each in shown))
    colours = ["var(--text)", *(INKS[at % len(INKS)] for at in range(len(families) - 1))]
    shapes = ["circle", *(SHAPES[at % len(SHAPES)] for at in range(len(families) - 1))]
    legend = alt.Legend(
        orient="bottom", columns=alt.expr(f"width < {NARROW} ? 2 : 5"), labelLimit=200, symbolSize=90, symbolOpacity=1
    )
    colour = alt.Color("family:N", title=None, scale=alt.Scale(domain=families, range=colours), legend=legend)
    shape = alt.Shape("family:N", title=None, scale=alt.Scale(domain=families, range=shapes), legend=legend)
    y_title = words.heading if comparison.tested else f"{words.heading} on examples that were left out"
    share = across == "wrong labels fitted" and words.is_share
    x_scale, y_scale = _scale(shown, across, right=0.14), _scale(shown, "accuracy")
    x_axis, y_axis = _axis(share), _axis(words.is_share)
    x = alt.X("x:Q", title=title, scale=x_scale, axis=x_axis)
    y = alt.Y("y:Q", title=y_title, scale=y_scale, axis=y_axis)
    tips = [
        alt.Tooltip("arm:N", title="remedy"), alt.Tooltip("x_text:N", title=across), alt.Tooltip("y_text:N", title=words.right),
        alt.Tooltip("runs:Q", title="runs"), alt.Tooltip("front_text:N", title="on the front in"),
    ]  # fmt: skip
    chart = alt.Chart(named_rows())
    faint = alt.condition("datum.judged", alt.value(0.9), alt.value(0.3))
    line = chart.mark_line(strokeWidth=1.5, opacity=0.55, clip=True).encode(x=x, y=y, color=colour, order="strength:Q")
    line = line.transform_filter("isValid(datum.strength)")
    wide = chart.mark_rule(strokeWidth=1.3, clip=True).encode(
        x=alt.X("x_low:Q", title=title, scale=x_scale, axis=x_axis), x2="x_high:Q", y=y, color=colour, opacity=faint
    )
    high = chart.mark_rule(strokeWidth=1.3, clip=True).encode(
        x=x, y=alt.Y("y_low:Q", title=y_title, scale=y_scale, axis=y_axis), y2="y_high:Q", color=colour, opacity=faint
    )
    size = alt.condition("datum.judged", alt.value(110), alt.value(55))
    dot = chart.mark_point(filled=True, opacity=1, clip=True).encode(
        x=x, y=y, color=colour, shape=shape, size=size, tooltip=tips
    )
    label = chart.mark_text(align="left", dx=8, dy=-8, fontSize=11, clip=True).encode(
        x=x, y=y, text="label:N", color=alt.value("var(--muted)"), tooltip=tips
    )
    return chart_of(name, alt.layer(line, wide, high, dot, label), rows, 420, about), low


def _row(result: Result, across: str, words: Vocabulary, *, labelled: bool) -> dict[str, Any]:
    x, y = result.levels[across], result.levels["accuracy"]
    known = _known if result.judged is not None or result.runs > FEW else _nothing
    return {
        "arm": result.arm,
        "family": result.family,
        "strength": result.strength,
        "label": UNCHANGED if result.family == UNCHANGED else _label(result) if labelled else "",
        "judged": result.judged is not None or result.family == UNCHANGED,
        "x": x.value, "x_low": known(x.low), "x_high": known(x.high),
        "y": y.value, "y_low": known(y.low), "y_high": known(y.high),
        "x_text": str(x), "y_text": str(y), "runs": result.runs, "front_text": f"{result.front_share:.0%} of repetitions",
    }  # fmt: skip


def _label(result: Result) -> str:
    """Return the strength, where the line does not say which point is which."""
    return "" if result.strength is None else f"{result.strength:g}"


def _scale(shown: Sequence[Result], name: str, *, right: float = 0.06) -> Any:
    """Return a scale that holds all values, and the whole interval of those that were judged."""
    import altair as alt

    values = [each.levels[name].value for each in shown]
    for each in shown:
        if each.judged is not None or each.family == UNCHANGED:
            values += [end for end in (each.levels[name].low, each.levels[name].high) if end == end]
    wide = max(values) - min(values) or 0.1
    return alt.Scale(domain=[min(values) - 0.06 * wide, max(values) + right * wide], nice=False, zero=False)


def _axis(share: bool) -> Any:
    import altair as alt

    return alt.Axis(tickCount=6, labelExpr=PERCENT) if share else alt.Axis(tickCount=6, format=".2~f")


def _nothing(value: float) -> None:
    """Return no end: that of few runs says nothing, and would cross the whole picture."""


def _known(value: float) -> float | None:
    return value if value == value else None
