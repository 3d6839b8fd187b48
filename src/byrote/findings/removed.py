"""Removal and the onion effect as rows of plain values, and removal as a picture."""

from typing import Any

from byrote.experiments.onion import Onion
from byrote.experiments.removal import CHOSEN, NOTHING, RANDOM, Removal
from byrote.findings.vocabulary import Vocabulary
from byrote.stats.estimate import UNDEFINED

Rows = list[dict[str, Any]]

INKS = {"memorized": "#c2410c", "influential": "#1d4ed8", "suspect": "#7e22ce", CHOSEN: "#7e22ce", RANDOM: "#6b7280"}
PANEL = {False: "all test examples", True: "the hard tenth of them"}


def measured_on_tests(words: Vocabulary) -> str:
    """Return the name of what is measured on the test examples: `test accuracy`, `test R²`."""
    return f"test {words.right}"


def removal_rows(removal: Removal, words: Vocabulary) -> Rows:
    """Return one row for each kind of removal and share, first for the full training set.

    `against random` is on these test examples, `on new tests` what to expect on others; see `Removal.change`.
    """
    rows: Rows = [_row(removal, words, NOTHING, 0.0)]
    return rows + [_row(removal, words, what, share) for share in removal.shares for what in removal.kinds]


def onion_rows(onion: Onion) -> Rows:
    """Return one row for each number of an onion."""
    about = {
        f"memorized at {onion.threshold:g} now, not before": onion.now,
        "the same after random removal": onion.by_chance,
        "difference: a new layer": onion.new_layer,
        "mean rise of memorization": onion.rise,
        f"mean rise of the next {onion.next}": onion.next_rise,
    }
    common = {"share": onion.share, "removed": onion.removed, "compared": onion.compared}
    return [{**common, "number": name, **size.cells("value")} for name, size in about.items()]


def draw_removal(removal: Removal, words: Vocabulary) -> str:
    """Return an SVG picture: how well all test examples, and the hard ones, are predicted over the share removed."""
    import altair as alt
    import vl_convert

    shown: Rows = []
    for hard, panel in PANEL.items():
        full = removal.accuracy(NOTHING, 0.0, hard=hard)
        for what in removal.kinds:
            points = [(0.0, full), *((share, removal.accuracy(what, share, hard=hard)) for share in removal.shares)]
            shown += [
                {"panel": panel, "removed": what, "share": share, "right": e.value, "low": e.low, "high": e.high}
                for share, e in sorted(points, key=lambda point: point[0])
            ]
    colour = alt.Color(
        "removed:N",
        title="removed",
        scale=alt.Scale(domain=list(removal.kinds), range=[INKS[what] for what in removal.kinds]),
        legend=alt.Legend(symbolOpacity=1),
    )
    base = alt.Chart(alt.InlineData(values=shown)).encode(
        x=alt.X("share:Q", title="share of the training examples removed", axis=alt.Axis(format="%")), color=colour
    )
    title = measured_on_tests(words)
    y = alt.Y(
        "right:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format="%" if words.is_share else ".2f")
    )
    band = base.mark_area(opacity=0.12).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
    line = base.mark_line(point=True).encode(y=y)
    picture = (
        alt.layer(band, line)
        .properties(width=320, height=260)
        .facet(column=alt.Column("panel:N", title=None, sort=None))
    )
    return str(vl_convert.vegalite_to_svg(picture.resolve_scale(y="independent").to_dict()))


def _row(removal: Removal, words: Vocabulary, what: str, share: float) -> dict[str, Any]:
    plain = what in (NOTHING, RANDOM)
    return {
        "removed": what,
        "share": share,
        "examples": removal.removed.get(share, 0),
        **removal.accuracy(what, share).cells(measured_on_tests(words)),
        **(UNDEFINED if plain else removal.change(what, share)).cells("against random"),
        **(UNDEFINED if plain else removal.change(what, share, new_tests=True)).cells("on new tests"),
        **removal.accuracy(what, share, hard=True).cells("hard tests"),
        **(UNDEFINED if plain else removal.change(what, share, hard=True)).cells("hard against random"),
    }
