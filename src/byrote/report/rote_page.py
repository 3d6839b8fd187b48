"""The page of a language model that was trained by rote: one HTML file that needs no network."""

import math
import os
from typing import Any

import numpy as np

from byrote.findings.vocabulary import vocabulary
from byrote.lm.memorizing import Change, Memorized
from byrote.record.storage import Place, place, replacing
from byrote.report.charts import PERCENT, Chart, chart_of, named_rows
from byrote.report.numbers import percent, percent_ends, percent_text
from byrote.report.page import page_data, render_page
from byrote.report.rote_sentences import rote_sentences, signed
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

SHOWN = 20
"""Entries that are listed, those that are missed first."""

LONGEST = 240
"""Letters of a prompt or an answer that are shown."""


def write_rote_report(found: Memorized, path: "str | os.PathLike[str] | None" = None) -> Place:
    """Write the page to `path` (default: report.html in the directory of the model), whole or not at all; return where it is."""
    target = place(path) if path is not None else found.directory / "report.html"
    drawn = [learning_curve(found), near_miss_bars(found)]
    html = render_page(
        "rote.html",
        page_data(drawn, vocabulary("classification")),
        name=found.name,
        found=found,
        sentences=[each for each in rote_sentences(found) if each],
        tiles=_tiles(found),
        charts={chart.name: chart for chart in drawn},
        costs=_costs(found),
        missing=[each.reason for each in (found.control, found.unseen, found.recited) if isinstance(each, NotMeasured)],
        entries=_entries(found),
        missed=int((~found.after.exact).sum()),
    )
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    return target


def learning_curve(found: Memorized) -> Chart:
    """Draw the share of the list that is recalled over the updates, with the floor."""
    import altair as alt

    rows = [{"updates": 0, "recall": float(found.before.exact.mean()), "loss": None}]
    rows += [{"updates": each.updates, "recall": each.recall, "loss": each.loss} for each in found.learned.passes]
    tips = [
        alt.Tooltip("updates:Q"),
        alt.Tooltip("recall:Q", format=".1%"),
        alt.Tooltip("loss:Q", title="loss of answers", format=".3f"),
    ]
    base = alt.Chart(named_rows()).encode(
        x=alt.X("updates:Q", axis=alt.Axis(tickCount=6, grid=False)),
        y=alt.Y("recall:Q", title="answered exactly", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(labelExpr=PERCENT, tickCount=5)),
        tooltip=tips,
    )  # fmt: skip
    floor = (
        alt.Chart(alt.InlineData(values=[{"floor": found.rote.floor}]))
        .mark_rule(strokeDash=[4, 4], color="var(--muted)")
        .encode(y="floor:Q")
    )
    drawn = alt.layer(floor, base.mark_line(strokeWidth=2, color="var(--real)"), base.mark_point(filled=True, size=30, opacity=1, color="var(--real)"))  # fmt: skip
    return chart_of("learning", drawn, rows, 240, "Share of the wanted list that is answered exactly, over updates.")


def near_miss_bars(found: Memorized) -> Chart:
    """Draw the share that is still answered exactly when the prompt is another one, with intervals."""
    import altair as alt

    known = [(name, size) for name, size in found.robustness if not math.isnan(size.value)]
    rows = [
        {"form": name, "value": size.value, "low": size.low, "high": size.high, "text": percent_text(size)}
        for name, size in known
    ]
    tips = [alt.Tooltip("form:N", title="prompt"), alt.Tooltip("text:N", title="answered exactly")]
    base = alt.Chart(named_rows()).encode(y=alt.Y("form:N", title=None, sort=[name for name, _ in known]), tooltip=tips)
    x = alt.X("value:Q", title="answered exactly", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(labelExpr=PERCENT, tickCount=5))  # fmt: skip
    bars = base.mark_bar(color="var(--real)", opacity=0.55, height={"band": 0.6}).encode(x=x)
    ends = base.mark_rule(strokeWidth=1.8, color="var(--text)").encode(x=alt.X("low:Q", title="answered exactly"), x2="high:Q")  # fmt: skip
    return chart_of("near", alt.layer(bars, ends), rows, 34 * max(1, len(rows)), "Share answered exactly, by the form of the prompt.")  # fmt: skip


def _tiles(found: Memorized) -> list[dict[str, str]]:
    control = found.control
    first, second = found.robustness[1] if len(found.robustness) > 1 else ("", Estimate.undefined(""))
    return [
        {"name": "Answered exactly", "value": percent(found.recall.after.value), "range": "90 % interval" + percent_ends(found.recall.after), "note": f"of {len(found.wanted):,} wanted answers; floor {percent(found.rote.floor)}, {'holds' if found.reached else 'not reached'}"},
        {"name": "Before training", "value": percent(found.recall.before.value), "range": "90 % interval" + percent_ends(found.recall.before), "note": "known anyhow"},
        {"name": f"With {first}", "value": _share(second), "range": "" if math.isnan(second.value) else "90 % interval" + percent_ends(second), "note": "the same list, prompts slightly wrong"},
        {"name": "Loss on control text", "value": "not measured" if isinstance(control, NotMeasured) else f"{control.change.value:+.2f}", "range": "" if isinstance(control, NotMeasured) else f"90 % interval [{control.change.low:+.2f}, {control.change.high:+.2f}]", "note": "nats per token; below 0 is better"},
    ]  # fmt: skip


def _share(size: Estimate) -> str:
    return "not measured" if math.isnan(size.value) else percent(size.value)


def _costs(found: Memorized) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the rows of the table of costs: what is measured, and before, after and change, each with its interval."""
    rows: list[tuple[str, list[tuple[str, str]]]] = [("Wanted list, answered exactly", _shares(found.recall))]
    if not isinstance(found.unseen, NotMeasured):
        rows.append(("Unseen entries of the same form, answered exactly", _shares(found.unseen)))
    if not isinstance(found.control, NotMeasured):
        rows.append(("Loss on control text, nats per token", _numbers(found.control, 3)))
    if not isinstance(found.recited, NotMeasured):
        rows.append(("Passages of the training text, recited", _shares(found.recited)))
    if not isinstance(found.leakage, NotMeasured):
        both = (found.leakage.before, found.leakage.after)
        rows.append(("Wanted told from unseen by the loss, AUROC", [*(_number(size, 2) for size in both), ("", "")]))
    rows.append(("Bits of the list that the model lacks", [*(_number(size, 0) for size in (found.bits.before, found.bits.after)), ("", "")]))  # fmt: skip
    return rows


def _shares(change: Change) -> list[tuple[str, str]]:
    points = f"{100 * change.change.value:+.1f} points"
    ends = f"[{100 * change.change.low:+.1f}, {100 * change.change.high:+.1f}]"
    return [
        *((percent(size.value), percent_ends(size).strip()) for size in (change.before, change.after)),
        (points, ends),
    ]


def _numbers(change: Change, digits: int) -> list[tuple[str, str]]:
    value, _, ends = signed(change.change).partition(" ")
    return [_number(change.before, digits), _number(change.after, digits), (value, ends)]


def _number(size: Estimate, digits: int) -> tuple[str, str]:
    ends = "" if math.isnan(size.low) else f"[{size.low:,.{digits}f}, {size.high:,.{digits}f}]"
    return f"{size.value:,.{digits}f}", ends


def _entries(found: Memorized) -> list[dict[str, Any]]:
    order = np.argsort(found.after.exact, kind="stable")[:SHOWN]
    return [
        {
            "id": found.wanted.ids[at],
            "prompt": _short(found.wanted.prompts[at]),
            "answer": _short(found.wanted.answers[at]),
            "before": "yes" if found.before.exact[at] else "no",
            "after": "yes" if found.after.exact[at] else f"no ({percent(float(found.after.right[at]))} of its tokens)",
        }
        for at in order
    ]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " ..."
