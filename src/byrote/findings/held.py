"""What a thermostat did, in sentences, rows and one drawing."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from byrote.experiments.held import LATE, Course, Held
from byrote.stats.estimate import Estimate

WIDE = 0.2
"""A longer interval does not say whether a target was met."""

WORDS = {"hold": "held at", "cap": "kept below", "floor": "kept above"}


def held_sentences(held: Held) -> list[str]:
    """Return what happened, how sure it is, and what went wrong: one sentence each, the most important first."""
    control, of = held.control, f"{held.control.kind} canaries"
    found: list[str] = []
    for course in held.courses:
        name = f"Run {course.run}: m" if len(held.courses) > 1 else "M"
        final, span = course.final, f"[{course.final.low:.2f}, {course.final.high:.2f}]"
        found.append(
            f"{name}emorization was to be {WORDS[control.mode]} {control.target:g}; {of} that the controller never read say {final.value:.2f} {span} at the end, {_verdict(control.mode, control.target, final)}."
        )
        found.append(
            f"Over the last {LATE} epochs it was {course.late.value:.2f} [{course.late.low:.2f}, {course.late.high:.2f}]."
        )
        found += [event.sentence for event in course.events]
    if not math.isnan(held.accuracy.value):
        found.append(f"Accuracy on test examples: {held.accuracy.value:.1%}.")
    found.append(
        f"This is the memorization of {control.kind} canaries only: other examples can be memorized more or less. A low value is no privacy."
    )
    return found


def _verdict(mode: str, target: float, final: Estimate) -> str:
    low, high = final.low, final.high
    if math.isnan(low):
        return "too few canaries to judge"
    if (mode == "cap" and low > target) or (mode == "floor" and high < target):
        return "which misses it"
    if mode == "hold" and not low <= target <= high:
        return "which misses it"
    if high - low > WIDE:
        planted = 2 * final.n  # half of them verifies
        return f"which is too uncertain to say whether it was met (about {math.ceil(planted * ((high - low) / WIDE) ** 2)} canaries of this kind would tell; {planted} were planted)"
    return "which agrees with it"


def held_rows(held: Held) -> list[dict[str, Any]]:
    """Return one row per run: target, what the sensors and the verification canaries said at the end, knob and accuracy."""
    return [
        {
            "run": course.run,
            "target": held.control.target,
            **course.final.cells("verified"),
            **course.late.cells(f"last {LATE} epochs"),
            "sensors": float(course.sensed[-1]),
            held.control.knob: float(course.knob[-1]),
            "test accuracy": None if math.isnan(course.test[-1]) else float(course.test[-1]),
            "events": "; ".join(event.kind for event in course.events),
        }
        for course in held.courses
    ]


def draw_held(held: Held) -> str:
    """Return an SVG: memorization of both halves of the canaries against epochs, the target, and the knob below."""
    import altair as alt  # takes half a second, and only drawings need it
    import vl_convert

    control, name = held.control, held.control.knob
    measured: list[Mapping[str, Any]] = []
    knobs: list[Mapping[str, Any]] = []
    events: list[Mapping[str, Any]] = []
    for course in held.courses:
        measured += _rows(course, "read by the controller", course.sensed)
        measured += _rows(course, "never read (verification)", course.verified)
        knobs += [{"epoch": at, "value": float(v), "run": str(course.run)} for at, v in enumerate(course.knob, 1)]
        events += [{"epoch": event.epoch, "what": event.kind} for event in course.events]
    x = alt.X("epoch:Q", title=None, axis=alt.Axis(grid=False, tickMinStep=1))
    line = (
        alt.Chart(alt.Data(values=measured))
        .mark_line()
        .encode(
            x=x,
            y=alt.Y("value:Q", title="memorization (in minus out)", scale=alt.Scale(domain=[min(0.0, *_known(measured)), max(*_known(measured), control.target) + 0.05])),
            color=alt.Color(
                "canaries:N", title=f"{control.kind} canaries", legend=alt.Legend(orient="top"),
                scale=alt.Scale(range=["#0b7285", "#d9480f"]),
            ),
            detail="run:N",
        )
    )  # fmt: skip
    goal = alt.Chart(alt.Data(values=[{"value": control.target, "epoch": 1, "what": f"target {control.target:g}"}]))
    target = goal.mark_rule(strokeDash=[6, 4], color="#495057").encode(y="value:Q")
    label = goal.mark_text(align="left", dy=-7, color="#495057").encode(x="epoch:Q", y="value:Q", text="what:N")
    marks = (
        alt.Chart(alt.Data(values=events))
        .mark_rule(color="#c92a2a")
        .encode(x="epoch:Q")
    )  # fmt: skip
    words = (
        alt.Chart(alt.Data(values=events))
        .mark_text(align="left", dx=4, y=8, color="#c92a2a")
        .encode(x="epoch:Q", text="what:N")
    )
    below = (
        alt.Chart(alt.Data(values=knobs))
        .mark_line(color="#495057")
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y(
                "value:Q", title=name, scale=alt.Scale(type="log") if name in ("weight_decay", "l2") else alt.Scale()
            ),
            detail="run:N",
        )
    )
    layers = [line, target, label, *([marks, words] if events else [])]
    chart: Any = alt.vconcat(
        alt.layer(*layers).properties(width=520, height=240), below.properties(width=520, height=90)
    )
    return str(vl_convert.vegalite_to_svg(chart.properties(background="white").to_dict()))


def _rows(course: Course, name: str, values: Sequence[float] | Any) -> list[Mapping[str, Any]]:
    return [
        {"epoch": epoch, "value": float(value), "canaries": name, "run": str(course.run)}
        for epoch, value in enumerate(values, 1)
        if not math.isnan(value)
    ]


def _known(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    return [row["value"] for row in rows] or [0.0]
