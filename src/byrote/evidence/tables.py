"""Tables of scores, example by example, as text, CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.evidence.evaluate import Values, pairs
from byrote.evidence.targets import target_text
from byrote.record import Record
from byrote.signature import Score

Row = dict[str, Any]


def score_rows(record: Record, scored: Sequence[Values], *, split: str = "train", top: int | None = None) -> list[Row]:
    """Return one row per example of `split`, first those that are surely memorized (or hard) by the first score.

    Canaries are only ever in the splits `canary` and `all`.
    """
    first, population = scored[0], record.population
    rows: list[Row] = []
    for at in first.ranked(population.where(split))[:top]:
        row: Row = {"example": str(first.ids[at]), "label": target_text(record, int(at))}
        for values in scored:
            name = str(values.score)
            row[name] = _number(values.value[at])
            row[f"{name} low"], row[f"{name} high"] = _number(values.low[at]), _number(values.high[at])
        row["runs in"], row["runs out"] = int(first.runs_in[at]), int(first.runs_out[at])
        rows.append(row)
    return rows


def pair_rows(record: Record, score: Score, *, targets: str = "test", top: int = 20) -> list[Row]:
    """Return the pairs of a training example and a target with the largest values; none with itself, no canaries."""
    population = record.population
    train = np.flatnonzero(population.where("train"))
    best: list[tuple[float, float, float, int, int]] = []
    for part, value, low, high in pairs(score, record, np.flatnonzero(population.where(targets))):
        value = np.where(train[:, None] == part[None, :], -np.inf, np.nan_to_num(value[train], nan=-np.inf))
        for i, j in _largest(value, top):
            best.append(
                (
                    float(value[i, j]),
                    float(low[train[i], j]),
                    float(high[train[i], j]),
                    int(train[i]),
                    int(part[j]),
                )
            )
        best = sorted(best, reverse=True)[:top]
    return [
        {
            "example": str(population.ids[i]),
            "target": str(population.ids[j]),
            str(score): v,
            f"{score} low": _number(low),
            f"{score} high": _number(high),
        }
        for v, low, high, i, j in best
        if np.isfinite(v)
    ]


def as_csv(rows: Sequence[Row]) -> str:
    """Return the rows as CSV with a header; undefined values are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """Return the rows as a JSON array; undefined values are null, and infinity is the string "inf"."""
    return (
        json.dumps(
            [{k: str(v) if isinstance(v, float) and np.isinf(v) else v for k, v in row.items()} for row in rows],
            indent=2,
        )
        + "\n"
    )


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _largest(value: Float[ndarray, "example target"], count: int) -> list[tuple[int, int]]:
    flat: Int[ndarray, " pair"] = np.argpartition(value, value.size - min(count, value.size), axis=None)[-count:]
    return [divmod(int(i), value.shape[1]) for i in flat]
