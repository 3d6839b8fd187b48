"""The page of `byrote causes`: why a model memorizes, in one HTML file that needs no network."""

import math
import os
from typing import TYPE_CHECKING, Any

from byrote.experiments.model_causes import ModelCauses, Sweep, TimeCurve
from byrote.findings.model_causes import RESPONSES, factor_rows
from byrote.findings.vocabulary import Vocabulary, vocabulary
from byrote.record.storage import Place, place, replacing
from byrote.report import causes_charts as charts
from byrote.report.charts import Chart
from byrote.report.kept_verdict import keep_verdict
from byrote.report.numbers import difference_text, percent, right_text
from byrote.report.page import page_data, render_page
from byrote.report.why import not_examined, where_measured, why
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

if TYPE_CHECKING:
    from upath import UPath


def write_causes(found: ModelCauses, path: "str | os.PathLike[str] | UPath") -> Place:
    """Write the page to `path`, which may be a URL, whole or not at all; return where it is."""
    words = vocabulary(found.plan.task.learned.name)
    drawn = _charts(found, words)
    html = render_page(
        "causes.html",
        page_data(drawn.values(), words),
        name=found.plan.task.name,
        words=words,
        why=why(found),
        left_out=not_examined(found),
        charts=drawn,
        tiles=_tiles(found, words),
        factors=_factor_table(found, words),
        pairs=_pair_table(found, words),
        aliases=found.plan.aliases,
        arms=_arm_table(found, words),
        plan=found.plan,
        measured_on=where_measured(found),
    )
    target = place(path)
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    if target.name == "causes.html":
        keep_verdict(target.parent, "causes", found.plan.task.name, why(found).sentences)
    return target


def _charts(found: ModelCauses, words: Vocabulary) -> dict[str, Chart]:
    accuracy = f"{words.right} on {where_measured(found)}"
    made: dict[str, Chart | None] = {
        "gap": charts.effect_bars(
            found, "gap", words, description="Effect of each factor on the gap, with 90 % intervals."
        ),
        "canaries": charts.effect_bars(
            found, "canaries", words, description="Effect of each factor on memorization of planted wrong labels."
        ),
        "tail": charts.effect_bars(
            found, "tail", words, description="Effect of each factor on the gap of the hard tenth."
        ),
        "accuracy": charts.effect_bars(found, "accuracy", words, description=f"Effect of each factor on {accuracy}."),
        "shares": charts.share_bars(found, description="Shapley share of each factor in the rise of the gap."),
    }
    if isinstance(found.sizes, Sweep):
        made["sizes"] = charts.sweep_curves(
            "sizes", found.sizes, words, title="share of the examples", accuracy=accuracy,
            description="The gap and accuracy against the share of the training examples.",
        )  # fmt: skip
    if isinstance(found.widths, Sweep):
        made["widths"] = charts.sweep_curves(
            "widths", found.widths, words, title="width, in times the model's own", accuracy=accuracy,
            description="The gap and accuracy against the width of the model.",
        )  # fmt: skip
    if isinstance(found.time, TimeCurve):
        made["time"] = charts.time_curves(
            found.time, words, accuracy=accuracy, description="Memorization of planted wrong labels against the epoch."
        )
    return {chart.name: chart for chart in made.values() if chart is not None}


def _tiles(found: ModelCauses, words: Vocabulary) -> list[dict[str, str]]:
    about = {
        "gap": ("Gap as it is", f"{words.right} on examples trained on minus on others"),
        "canaries": (f"Planted {words.wrong_target}s memorized", "models trained on them minus the others"),
        "tail": ("Gap on the hard tenth", "of the examples that no arm changes"),
        "accuracy": (words.heading, f"on {where_measured(found)}"),
    }
    return [
        {"name": name, "value": _value(found.as_is(key), words), "range": _range(found.as_is(key), words), "note": note}
        for key, (name, note) in about.items()
    ]


def _factor_table(found: ModelCauses, words: Vocabulary) -> list[dict[str, Any]]:
    by_name = {factor.name: at for at, factor in enumerate(found.plan.factors)}
    rows: list[dict[str, Any]] = []
    for row in factor_rows(found):
        at, p = by_name[row["name"]], row["adjusted p"]
        cells = [
            ("-", "") if isinstance(each, NotMeasured) else _cell(each.main[at], words)
            for each in (found.effects[name] for name in RESPONSES)
        ]
        rows.append(
            {
                "name": row["name"],
                "change": f"{row['high']} against {row['low']}",
                "as_is": row["high"] if row["as is"] == "high" else row["low"],
                "cells": cells,
                "p": "-" if p is None else f"{p:.2g}" if p >= 0.001 else "< 0.001",
            }
        )
    return rows


def _cell(size: Estimate, words: Vocabulary) -> tuple[str, str]:
    """Return an effect and its interval, in percentage points where it is one of shares."""
    factor, digits = (100, 1) if words.is_share else (1, 2)
    value, low, high = (f"{factor * each:+.{digits}f}" for each in (size.value, size.low, size.high))
    return value, f"[{low}, {high}]"


def _pair_table(found: ModelCauses, words: Vocabulary) -> list[tuple[str, str]]:
    gap, names = found.effects["gap"], found.plan.names
    if isinstance(gap, NotMeasured):
        return []
    rows = [(" or ".join(f"{names[a]} x {names[b]}" for a, b in group), size) for group, size in gap.pairs]
    rows.sort(key=lambda row: -abs(row[1].value))
    return [(said, difference_text(size, words, sign=True)) for said, size in rows]


def _arm_table(found: ModelCauses, words: Vocabulary) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for arm in found.plan.arms:
        if arm.name not in found.kept:
            rows.append({"name": arm.name, "gap": "failed", "accuracy": found.failed.get(arm.name, "")})
            continue
        at = found.kept.index(arm.name)
        cells = {
            name: _value(mean, words) + _range(mean, words)
            for name, mean in ((name, Estimate.of_mean(found.values[name][at], "run")) for name in ("gap", "accuracy"))
        }
        rows.append({"name": arm.name, **cells})
    return rows


def _value(size: Estimate, words: Vocabulary) -> str:
    if math.isnan(size.value):
        return "-"
    return percent(size.value) if words.is_share else f"{size.value:.2f}"


def _range(size: Estimate, words: Vocabulary) -> str:
    if math.isnan(size.value):
        return "not measured: too few examples, or all too easy"
    return right_text(size, words).removeprefix(_value(size, words))
