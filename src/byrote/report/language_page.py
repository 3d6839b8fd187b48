"""The page of a language audit: what a model gives back of its training text, in one HTML file that needs no network."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from byrote.findings.language import LanguageFindings, ShownPassage, compared, copies_text
from byrote.findings.vocabulary import vocabulary
from byrote.lm.extraction import ExtractionRate
from byrote.record.storage import Place, place, replacing
from byrote.report import language_charts as charts
from byrote.report.charts import Chart
from byrote.report.language_sentences import compared_sentences, exposure_text, language_sentences
from byrote.report.numbers import percent, percent_ends, percent_text
from byrote.report.page import page_data, render_page
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

if TYPE_CHECKING:
    from upath import UPath

HIDDEN = "\N{LOWER HALF BLOCK}"
"""Stands for each character of a text that is not to be shown."""


@dataclass(frozen=True)
class Token:
    """One token of a passage as it is shown: its text, its probability (None in the prefix), and whether it is the greedy one."""

    text: str
    probability: float | None
    greedy: bool


@dataclass(frozen=True)
class Card:
    """One passage as it is shown."""

    document: str
    source: str
    kind: str
    recited: bool
    copies: str
    samples: str
    tokens: tuple[Token, ...]


def write_language_report(
    found: LanguageFindings,
    path: "str | os.PathLike[str] | UPath | None" = None,
    *,
    others: Sequence[LanguageFindings] = (),
    redact: bool = False,
) -> Place:
    """Write the page to `path` (default: report.html in the audit's directory), whole or not at all; return where it is.

    `others` are audits of other models on the same passages, such as with remedies, which are compared. With `redact` no
    character of a passage is in the page: blocks of the same length stand in their place. Ids and names of files stay.
    """
    target = place(path) if path is not None else found.audit.directory / "report.html"
    words = vocabulary("classification")
    drawn = _charts(found)
    html = render_page(
        "language.html",
        page_data(drawn.values(), words),
        name=found.audit.about["model"]["name"],
        found=found,
        about=found.audit.about,
        sentences=language_sentences(found),
        tiles=language_tiles(found),
        charts=drawn,
        rates=[_rate(each) for each in found.rates],
        by_copies=[_rate(each) for each in found.by_copies],
        attacks=_attacks(found),
        unmeasured=_unmeasured(found),
        documents=len(set(found.audit.corpus.document)),
        cards=[passage_card(found, each, redact) for each in found.shown],
        longest=_longest(found, redact),
        redacted=redact,
        models=_models([found, *others]),
        compared=compared_sentences([found, *others]),
    )
    with replacing(target) as aside:
        aside.write_text(html, encoding="utf-8")
    return target


def _charts(found: LanguageFindings) -> dict[str, Chart]:
    made: list[Chart | None] = [
        charts.rate_curves(found, description="Share of passages recited against the number of tokens given."),
        charts.copy_bars(found, description="Share of passages recited against their copies in the training text."),
    ]
    if not isinstance(found.secrets, NotMeasured):
        made.append(charts.exposure_curves(found.secrets, description="Mean exposure of planted secrets by copies."))
    return {chart.name: chart for chart in made if chart is not None}


def language_tiles(found: LanguageFindings) -> list[dict[str, str]]:
    """Return the most important numbers of a language audit: name, value, range and note."""
    best = found.headline
    lengths = f"{best.prefix} tokens given, {best.suffix} asked for"
    untrained = "not asked" if isinstance(found.untrained, NotMeasured) else percent(found.untrained.value)
    between = "" if isinstance(found.untrained, NotMeasured) else _ends(found.untrained)
    return [
        {"name": "Training text recited", "value": percent(best.greedy.value), "range": _ends(best.greedy), "note": f"word for word; {lengths}"},
        {"name": "Control text recited", "value": _value(best.control), "range": _ends(best.control), "note": "text it was not trained on"},
        {"name": "By random weights", "value": untrained, "range": between, "note": f"{found.longest.prefix} given, {found.longest.suffix} asked for"},
        {"name": "Passages recited", "value": f"{found.extracted:,}", "range": "", "note": f"of {len(found.audit.corpus):,}, {found.longest.suffix} tokens; {found.distinct:,} different"},
    ]  # fmt: skip


def _value(size: Estimate) -> str:
    return "not known" if math.isnan(size.value) else percent(size.value)


def _ends(size: Estimate) -> str:
    return "" if math.isnan(size.value) else "90 % interval" + percent_ends(size)


def _rate(each: ExtractionRate) -> dict[str, Any]:
    return {
        "prefix": each.prefix,
        "suffix": each.suffix,
        "copies": copies_text(each),
        "n": f"{each.greedy.n:,}",
        "cells": [_cell(size) for size in (each.greedy, each.control, each.above_control, each.discoverable)],
    }


def _cell(size: Estimate) -> tuple[str, str]:
    if math.isnan(size.value):
        return "-", ""
    return percent(size.value), percent_ends(size).strip()


def _models(found: Sequence[LanguageFindings]) -> list[dict[str, Any]]:
    if len(found) < 2:
        return []
    return [
        {
            "name": each.name,
            "cells": [_cell(each.recited), _cell(each.fewer), _number(each.loss), _number(each.loss_change)]
            if at
            else [_cell(each.recited), ("", ""), _number(each.loss), ("", "")],
            "exposure": [
                (exposure_text(size, True).removesuffix(" bits"), "")
                if (family, copies) in each.at_least
                else _number(size, 1)
                for family, copies, size in each.exposure
            ],
            "families": [f"Exposure of {family}, {copies} copies" for family, copies, _ in each.exposure],
        }
        for at, each in enumerate(compared(found))
    ]


def _number(size: Estimate, digits: int = 2) -> tuple[str, str]:
    if math.isnan(size.value):
        return "-", ""
    return f"{size.value:.{digits}f}", f"[{size.low:.{digits}f}, {size.high:.{digits}f}]"


def _attacks(found: LanguageFindings) -> list[tuple[str, str, str]]:
    if isinstance(found.membership, NotMeasured):
        return []
    rows = [
        (each.name, str(each.auroc), "-" if isinstance(each.tpr, NotMeasured) else percent_text(each.tpr))
        for each in found.membership.attacks
    ]
    blind = found.membership.blind
    if not isinstance(blind, NotMeasured):
        rows += [
            (f"{name} alone, without the model", str(size), "")
            for name, size in (("words", blind.words), ("length", blind.length), ("dates", blind.dates))
        ]
    return rows


def _unmeasured(found: LanguageFindings) -> str:
    """Return why the share that attacks find was not measured; empty where it was."""
    if isinstance(found.membership, NotMeasured):
        return ""
    return next((each.tpr.reason for each in found.membership.attacks if isinstance(each.tpr, NotMeasured)), "")


def passage_card(found: LanguageFindings, shown: ShownPassage, redact: bool) -> Card:
    """Return a passage as it is shown; with `redact`, blocks in place of its characters."""
    table, at = found.audit.corpus, shown.at
    forced = found.audit.extracted.forced[found.audit.prefix]
    prefix = table.passages.prefix
    tokens = [
        Token(
            hidden(text) if redact else text,
            None if i < prefix else float(math.exp(forced.logprob[at, i - prefix])),
            i >= prefix and bool(forced.greedy[at, i - prefix]),
        )
        for i, text in enumerate(table.pieces[at])
    ]
    copies = int(table.suffix_copies[at])
    return Card(
        table.document[at],
        table.source[at],
        shown.kind,
        bool(forced.greedy[at].all()),
        "in a number that was not counted" if copies < 0 else "once" if copies == 1 else f"{copies:,} times",
        _samples(shown.samples),
        tuple(tokens),
    )


def _samples(number: float) -> str:
    if not math.isfinite(number):
        return "never"
    return f"{number:,.0f}" if number < 1e6 else "a million or more"


def _longest(found: LanguageFindings, redact: bool) -> list[dict[str, Any]]:
    return [
        {**row, "text": hidden(row["text"]) if redact else row["text"], "share": percent(row["share"])}
        for row in sorted(found.audit.longest, key=lambda row: -row["length"])
        if row["length"]
    ]


def hidden(text: str) -> str:
    """Return a text with a block in place of each character but spaces."""
    return "".join(each if each.isspace() else HIDDEN for each in text)
