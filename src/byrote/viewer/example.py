"""One example, followed: all scores, the steps of training, its neighbours and causes, and itself in the other audits."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import Values
from byrote.explain import explain
from byrote.findings.followed import follow
from byrote.record.pictures import decode
from byrote.report.gallery import gallery_items
from byrote.report.pictures import Album
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.viewer.example_table import ExampleTable, plain, size_of

LARGEST = 1 << 30
"""Bytes of all inputs as numbers beyond which neighbours are not looked for."""


def example_score(table: ExampleTable, at: int, name: str) -> dict[str, Any]:
    """Return one score of one example, or why there is none."""
    values = table.values(name)
    if isinstance(values, NotMeasured):
        return {"name": name, "reason": values.reason}
    runs = int(values.runs_in[at]), int(values.runs_out[at])
    higher = _share_below(table, values, at)
    return {"name": name, "size": size_of(values, at), "runsIn": runs[0], "runsOut": runs[1], "rank": higher}


def example_curve(table: ExampleTable, at: int) -> dict[str, Any]:
    """Return how the example was learned: the mean over IN runs and over OUT runs after each step, and every run at the end."""
    try:
        found = follow(table.record, at)
    except MissingEvidence as error:
        return {"reason": NotMeasured.because(error).reason}
    return {
        "column": found.column,
        "unit": str(table.record.manifest["steps"].get("unit", "step")),
        "trained": [_size(each) for each in found.trained],
        "leftOut": [_size(each) for each in found.left_out],
        "during": found.during,
        "atEnd": [[run, member, None if value is None else plain(value)] for run, member, value in found.at_end],
    }


def example_neighbours(table: ExampleTable, at: int) -> dict[str, Any]:
    """Return cause, evidence, what OUT models predict, neighbours and copies, as the report shows them; or why not."""
    record, best = table.record, table.best()
    if isinstance(best, NotMeasured):
        return {"reason": best.reason}
    shape = table.record.population.display.shape
    if len(record.population) * int(np.prod(shape or (1,))) * 4 > LARGEST:
        return {"reason": "Neighbours are not looked for here: all inputs as numbers take more than 1 GB."}
    try:
        (found,) = explain(record, np.array([at]), values=best, points=table.space())
        album = Album(record.population)
        (item,) = gallery_items(record, [found], best, album)
    except MissingEvidence as error:
        return {"reason": NotMeasured.because(error).reason}
    return {
        **item,
        "real": not record.population.canary[at] and str(record.population.split[at]) == "train",
        "alternativeLabel": found.alternative if isinstance(found.alternative, int) else None,
        "pictures": album.pictures,
        "lines": album.lines,
        "texts": album.texts,
        "columns": []
        if album.table is None
        else [list(pair) for pair in zip(album.table.names, album.table.usual, strict=True)],
    }


def elsewhere(table: ExampleTable, own: int, tables: Mapping[int, ExampleTable]) -> list[dict[str, Any]]:
    """Return the same id in other audits: its memorization there; None where an audit does not have it.

    Where another example has this id there, that is said instead: ids such as 0, 1, 2 are in the audits of every task.
    """
    name = str(table.record.population.ids[own])
    found: list[dict[str, Any]] = []
    for number, other in tables.items():
        at = other.has(name)
        values = other.values("memorization")
        reason = values.reason if isinstance(values, NotMeasured) else ""
        size = None if at is None else size_of(values, at)
        if at is not None and _is_another(table, own, other, at):
            size, reason = None, "another example has this id there"
        found.append({"number": number, "at": at, "size": size, "reason": reason})
    return found


def _is_another(table: ExampleTable, at: int, other: ExampleTable, there: int) -> bool:
    """Whether two examples with the same id have other inputs, as far as both records keep them."""
    pictures = table.looks.picture(at), other.looks.picture(there)
    if pictures[0] is not None and pictures[1] is not None:
        try:
            return pictures[0] != pictures[1] and not np.array_equal(*decode(pictures, ()))
        except (OSError, ValueError):
            return True
    texts = table.record.population.texts, other.record.population.texts
    if texts[0] is not None and texts[1] is not None:
        return texts[0][at] != texts[1][there]
    rows = table.record.population.inputs[at], other.record.population.inputs[there]
    return rows[0].size > 0 and rows[1].size > 0 and not np.array_equal(*rows, equal_nan=True)


def _share_below(table: ExampleTable, values: Values, at: int) -> float | str | None:
    """Return the share of the real training examples that are less memorized (or hard) by this score: 1 is the first."""
    train = values.score.sign * values.value[table.record.population.where("train")]
    own = values.score.sign * values.value[at]
    known = train[~np.isnan(train)]
    return None if np.isnan(own) or not len(known) else plain(float((known < own).mean()))


def _size(size: Estimate) -> list[Any]:
    return [plain(size.value), plain(size.low), plain(size.high), size.n]
