"""Comparing: two audits that are open, as `byrote compare AUDIT AUDIT` compares them, and one score in both as a picture."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.evidence.evaluate import Values
from byrote.experiments.compare_audits import FDR, AuditChange
from byrote.findings.comparison import change_rows, example_rows
from byrote.report import audit_sentences
from byrote.stats.not_measured import NotMeasured
from byrote.viewer.example_table import ExampleTable, plain

CELLS = 48
"""The picture counts examples in so many steps along each axis, so that it is as quick with 200,000 examples as with 200."""

ROWS = 200
"""Rows of the list of differences in one answer at most."""


def change_page(found: AuditChange, start: int, count: int) -> dict[str, Any]:
    """Return what has changed in sentences and numbers, and a page of the list of examples, those that are shown first."""
    return {
        "sentences": audit_sentences(found),
        "measures": change_rows(found),
        "total": len(found.ids),
        "listed": int(found.examples.listed.sum()),
        "fdr": FDR,
        "rows": example_rows(found, slice(start, start + min(count, ROWS))),
    }


def both(first: ExampleTable, second: ExampleTable, name: str) -> dict[str, Any]:
    """Return one score of the training examples that both audits have: how many lie in each cell of a grid, and its scale."""
    values = first.values(name), second.values(name)
    for each in values:
        if isinstance(each, NotMeasured):
            return {"reason": each.reason}
    ids, at, other = np.intersect1d(_train_ids(first), _train_ids(second), return_indices=True)
    pairs = [_train(v, table)[where] for v, table, where in zip(values, (first, second), (at, other), strict=True)]
    fine = np.isfinite(pairs[0]) & np.isfinite(pairs[1])
    x, y, ids = pairs[0][fine], pairs[1][fine], ids[fine]
    if not len(x):
        return {"reason": "No training example has this score in both audits."}
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    cells = [_cell(v, low, high) for v in (x, y)]
    where, first_of, counts = np.unique(cells[0] * CELLS + cells[1], return_index=True, return_counts=True)
    return {
        "name": name,
        "low": plain(low),
        "high": plain(high),
        "cells": CELLS,
        "points": [
            [int(c // CELLS), int(c % CELLS), int(n), str(ids[i])]
            for c, n, i in zip(where, counts, first_of, strict=True)
        ],
        "examples": len(x),
        "correlation": plain(float(np.corrcoef(x, y)[0, 1])) if len(x) > 1 and x.std() > 0 and y.std() > 0 else None,
    }


def _train_ids(table: ExampleTable) -> ndarray:
    return table.record.population.ids[table.record.population.where("train")]


def _train(values: Values | NotMeasured, table: ExampleTable) -> Float[ndarray, " example"]:
    assert isinstance(values, Values)
    return values.value[table.record.population.where("train")]


def _cell(values: Float[ndarray, " example"], low: float, high: float) -> Int[ndarray, " example"]:
    return np.minimum(((values - low) / max(high - low, 1e-30) * CELLS).astype(np.int64), CELLS - 1)
