"""Rows: what each chart draws, as plain values, from a record and its findings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import LEVEL, evaluate
from byrote.findings.canary_check import Detection
from byrote.findings.evaluated_scores import Panel
from byrote.findings.score_agreement import Agreement
from byrote.membership.attacks import Membership, curve
from byrote.record import Record
from byrote.report.charts import named
from byrote.scores import correctness, mean_confidence, variability
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student, wilson
from byrote.stats.not_measured import NotMeasured

Rows = list[dict[str, Any]]

BIN = 0.1
MAP_POINTS = 2000
"""Points on the data map at most; beyond that a random sample of the real examples is drawn."""


def histogram_rows(values: NDArray[np.float64]) -> Rows:
    """Return the share of values in bins centred on the multiples of BIN, with Wilson's interval; NaN are left out."""
    values = values[np.isfinite(values)]
    where = np.rint(values / BIN).astype(np.int64)
    rows: Rows = []
    for at in np.unique(where):
        count = int((where == at).sum())
        low, high = wilson(count, len(values), level=LEVEL)
        middle = float(at) * BIN
        rows.append(
            {
                "left": middle - BIN * 0.45,
                "right": middle + BIN * 0.45,
                "middle": middle,
                "share": count / len(values),
                "low": float(low),
                "high": float(high),
                "count": count,
            }
        )
    return rows


def map_rows(record: Record, panel: Panel, *, seed: int = 0) -> tuple[Rows, tuple[str, ...], int] | NotMeasured:
    """Return points of the data map, the columns they can be coloured by, and how many real examples there were."""
    confidence, spread = panel.of(mean_confidence), panel.of(variability)
    if isinstance(confidence, NotMeasured):
        return confidence
    if isinstance(spread, NotMeasured):
        return spread
    shades = {"memorization": panel.memorization}
    try:
        shades["correctness"] = evaluate(correctness, record)
    except MissingEvidence as error:
        shades["correctness"] = NotMeasured.because(error)
    measured = {name: values.value for name, values in shades.items() if not isinstance(values, NotMeasured)}
    population = record.population
    usable = np.isfinite(confidence.value) & np.isfinite(spread.value)
    real = np.flatnonzero(population.where("train") & usable)
    planted = np.flatnonzero(population.where("canary") & usable)
    kept = np.sort(np.random.default_rng(seed).permutation(real)[: max(MAP_POINTS - len(planted), 0)])
    rows: Rows = [
        {
            "id": str(population.ids[at]),
            "kind": named(str(population.canary[at]) or "real"),
            "label": record.classes[population.labels[at]],
            "confidence": _short(confidence.value[at]),
            "variability": _short(spread.value[at]),
            **{name: _short(value[at]) for name, value in measured.items()},
        }
        for at in (*kept, *planted)
    ]
    if not rows:
        return NotMeasured("No example has both a mean confidence and a variability.")
    return rows, tuple(measured) or ("confidence",), len(real)


def curve_rows(record: Record) -> tuple[Rows, Rows]:
    """Return accuracy per step, mean over runs with its interval: of real examples, and of canaries by kind."""
    population = record.population
    groups: dict[str, list[NDArray[np.float64]]] = {}
    for run in record.runs:
        member = record.member(run)
        clean = record.over_steps(run, "correct").astype(np.float64)
        seen = record.over_steps(run, "correct_seen").astype(np.float64)
        train = population.where("train")
        groups.setdefault("training examples, while training on them|yes|", []).append(_right(seen, train & member))
        groups.setdefault("test examples|no|", []).append(_right(clean, population.where("test")))
        groups.setdefault("training examples that were left out|no|", []).append(_right(clean, train & ~member))
        for kind in sorted({str(kind) for kind in population.canary} - {""}):
            mine = population.canary == kind
            groups.setdefault(f"{kind}, trained on|yes|{kind}", []).append(_right(clean, mine & member))
            groups.setdefault(f"{kind}, left out|no|{kind}", []).append(_right(clean, mine & ~member))
    real: Rows = []
    planted: Rows = []
    for name, shares in groups.items():
        series, trained, kind = name.split("|")
        (planted if kind else real).extend(_steps(np.stack(shares), series, trained, kind))
    return real, planted


def heat_rows(found: Agreement) -> Rows:
    """Return both halves of the agreement matrix, and its diagonal."""
    rows: Rows = []
    for pair in found.pairs:
        for first, second in ((pair.first, pair.second), (pair.second, pair.first)):
            rows.append(
                {
                    "first": first,
                    "second": second,
                    "rank": _short(pair.rank.value),
                    "overlap": _short(pair.overlap.value),
                    "rank_text": text(pair.rank),
                    "overlap_text": text(pair.overlap),
                }
            )
    itself = {"rank": 1.0, "overlap": 1.0, "rank_text": "itself", "overlap_text": "itself"}
    return rows + [{"first": name, "second": name, **itself} for name in found.scores]


def detection_rows(found: Sequence[Detection], all_runs: str, one_run: str) -> Rows:
    """Return AUROC of every score from all runs, and from one."""
    rows: Rows = []
    for each in found:
        for series, size in ((all_runs, each.auroc), (one_run, each.one_run)):
            if size is not None and np.isfinite(size.value):
                rows.append(
                    {
                        "name": each.score,
                        "series": series,
                        "value": _short(size.value),
                        "low": _short(size.low),
                        "high": _short(size.high),
                        "text": text(size),
                    }
                )
    return rows


def attack_rows(found: Membership) -> tuple[Rows, float]:
    """Return each attack's operating curve with its interval, and the lowest rate that the sample can show."""
    rows: Rows = []
    for attack in found.attacks:
        for fpr, tpr in curve(attack):
            low, high = (tpr.low, tpr.high) if np.isfinite(tpr.low) else (tpr.value, tpr.value)
            rows.append(
                {
                    "attack": attack.name,
                    "fpr": fpr,
                    "tpr": tpr.value,
                    "low": low,
                    "high": high,
                    "first": attack is found.strongest,
                }
            )
    floor = min([row["fpr"] for row in rows if row["fpr"] > 0], default=1e-3) / 2
    for row in rows:
        row["low"], row["high"] = max(row["low"], floor), max(row["high"], floor)
    return [row for row in rows if min(row["fpr"], row["tpr"]) >= floor], floor


def text(size: Estimate) -> str:
    """Return a number with its interval, short."""
    if not np.isfinite(size.value):
        return "not measured"
    if not np.isfinite(size.low):
        return f"{size.value:.2f}"
    return f"{size.value:.2f} [{size.low:.2f}, {size.high:.2f}]"


def points(share: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.2f}"


def _steps(shares: NDArray[np.float64], series: str, trained: str, kind: str) -> Rows:
    rows: Rows = []
    for step in range(shares.shape[1]):
        given = shares[:, step][np.isfinite(shares[:, step])]
        if len(given):
            mean = float(given.mean())
            low, high = student(mean, given.var(ddof=1) if len(given) > 1 else np.nan, len(given), level=LEVEL)
            low, high = (mean, mean) if np.isnan(low) else (float(low), float(high))
            rows.append(
                {
                    "step": step + 1,
                    "series": series,
                    "trained": trained,
                    "kind": kind,
                    "share": _short(mean),
                    "low": _short(max(low, 0.0)),
                    "high": _short(min(high, 1.0)),
                }
            )
    return rows


def _right(answers: NDArray[np.float64], who: Bool[ndarray, " example"]) -> NDArray[np.float64]:
    """Return the share of right answers per step; NaN where none was given."""
    mine = answers[:, who]
    given = np.isfinite(mine)
    count = given.sum(axis=1)
    return np.where(count > 0, np.where(given, mine, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _short(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
