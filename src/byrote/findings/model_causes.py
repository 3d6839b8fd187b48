"""Why a model memorizes, as rows of plain values, and what would help most."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from byrote.experiments.laws import PowerLaw
from byrote.experiments.model_causes import ModelCauses, Sweep, TimeCurve
from byrote.stats.estimate import UNDEFINED, Estimate
from byrote.stats.not_measured import NotMeasured

Rows = list[dict[str, Any]]

RESPONSES = ("gap", "canaries", "tail", "accuracy")


@dataclass(frozen=True)
class Help:
    """One thing that could be done against memorization, as this experiment measured it.

    `cut` is how much smaller the gap is then (above 0 is less memorization), `accuracy` the change of the accuracy, and `time`
    the factor by which a run takes longer. `shown`: that it helps is shown, with all factors taken into account.
    `extrapolated`: it lies beyond what was tried.
    """

    what: str
    cut: Estimate
    accuracy: Estimate | NotMeasured
    time: Estimate | NotMeasured
    shown: bool
    extrapolated: bool = False


def helps(found: ModelCauses) -> tuple[Help, ...]:
    """Return what could be done, the largest cut first; averaged over the levels of the other factors."""
    options: list[Help] = []
    gap, accuracy, seconds = (found.effects[name] for name in ("gap", "accuracy", "seconds"))
    if not isinstance(gap, NotMeasured):
        for at, factor in enumerate(found.plan.factors):
            if factor.is_high:
                options.append(
                    Help(
                        factor.low,
                        gap.main[at],
                        accuracy if isinstance(accuracy, NotMeasured) else opposite(accuracy.main[at]),
                        seconds if isinstance(seconds, NotMeasured) else times(opposite(seconds.main[at])),
                        at in found.named and gap.main[at].value > 0,
                    )
                )
    law = found.sizes.law if isinstance(found.sizes, Sweep) else None
    if isinstance(law, PowerLaw):
        now = found.as_is("gap").value
        unknown = NotMeasured("not measured, as there are no more examples to try")
        cut = law.cut.transformed(lambda share: share * now)
        options.append(Help("twice the examples", cut, unknown, unknown, law.exponent.low > 0, extrapolated=True))
    return tuple(sorted(options, key=lambda each: (-each.shown, -each.cut.value)))


def opposite(size: Estimate) -> Estimate:
    """Return the estimate of the number with the other sign."""
    return Estimate(-size.value, -size.high, -size.low, size.n, size.unit, size.level)


def times(size: Estimate) -> Estimate:
    """Return the factor whose logarithm was estimated."""
    return size.transformed(lambda value: float(np.exp(value)))


def causes_rows(found: ModelCauses) -> Rows:
    """Return one row for each factor, group of interactions, place of a sweep, and epoch that was looked at.

    Of a factor and an interaction the numbers are effects (high minus low), of the others they are means of runs.
    """
    rows = factor_rows(found)
    gap = found.effects["gap"]
    names = found.plan.names
    if not isinstance(gap, NotMeasured):
        for at, (group, _) in enumerate(gap.pairs):
            said = " or ".join(f"{names[a]} x {names[b]}" for a, b in group)
            each = {name: _pair(found, name, at) for name in RESPONSES}
            rows.append(_row("interaction", said, "", "", "", each))
    for kind, sweep in (("size", found.sizes), ("width", found.widths)):
        if isinstance(sweep, Sweep):
            for at, place in enumerate(sweep.places):
                each = {"gap": sweep.gap[at], "canaries": sweep.canaries[at], "accuracy": sweep.accuracy[at]}
                rows.append(_row(kind, f"{place:g}", "", "", "", each))
    if isinstance(found.time, TimeCurve):
        for at, epoch in enumerate(found.time.epochs):
            each = {"canaries": found.time.canaries[at]}
            each |= {} if found.time.accuracy is None else {"accuracy": found.time.accuracy[at]}
            rows.append(_row("epoch", str(epoch), "", "", "", each))
    return rows


def factor_rows(found: ModelCauses) -> Rows:
    """Return one row for each factor, the largest effect on the gap first."""
    gap = found.effects["gap"]
    rows: Rows = []
    for at, factor in enumerate(found.plan.factors):
        sizes: dict[str, Estimate] = {}
        for name in RESPONSES:
            each = found.effects[name]
            sizes[name] = UNDEFINED if isinstance(each, NotMeasured) else each.main[at]
        row = _row("factor", factor.name, factor.low, factor.high, "high" if factor.is_high else "low", sizes)
        if not isinstance(gap, NotMeasured):
            row |= {"p": float(gap.p_values[at]), "adjusted p": float(gap.adjusted[at])}
            row |= (gap.shares[at] if gap.shares else UNDEFINED).cells("share")
        rows.append(row)
    return sorted(rows, key=lambda row: -abs(row["gap"] or 0.0))


def _row(kind: str, name: str, low: str, high: str, as_is: str, sizes: dict[str, Estimate]) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": kind, "name": name, "low": low, "high": high, "as is": as_is}
    for response in RESPONSES:
        row |= sizes.get(response, UNDEFINED).cells(response)
    return {**row, "p": None, "adjusted p": None, **UNDEFINED.cells("share")}


def _pair(found: ModelCauses, name: str, at: int) -> Estimate:
    each = found.effects[name]
    return UNDEFINED if isinstance(each, NotMeasured) or at >= len(each.pairs) else each.pairs[at][1]
