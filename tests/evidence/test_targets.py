"""Tables name the target of an example, whatever was learned."""

from pathlib import Path

import numpy as np
import pytest

from byrote.evidence.evaluate import evaluate
from byrote.evidence.tables import score_rows
from byrote.objectives import Multilabel, Objective, Regression
from byrote.record import (
    Layout,
    Observed,
    Population,
    Record,
    Step,
    make_ids,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from byrote.scores import c_score
from layout import run_settings

OBJECTIVES = {
    "one": (Regression(mean=(0.0,), scale=(1.0,)), np.array([1.5, -2, 0, 1], np.float32), ["1.5", "-2"]),
    "two": (Regression(mean=(0.0,) * 2, scale=(1.0,) * 2), np.eye(4, 2, dtype=np.float32), ["1, 0", "0, 1"]),
    "labels": (Multilabel(3), np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], np.int8), ["a, c", "no label"]),
}


def hand_written(where: Path, objective: Objective, labels: np.ndarray) -> Record:
    ids, layout, n = make_ids("train", range(4)), Layout.of(objective), len(labels)
    write_population(where, Population.of(ids, np.full(n, "train"), labels, np.zeros((n, 2), np.float32)))
    task = {"name": "t", "source": "", "classes": list("abc"[: objective.outputs])}
    body = {"key": "", "task": task, "objective": str(objective), "steps": {"unit": "fit", "last": 1}, "blocks": [2]}
    write_manifest(where, {**body, **layout.values()})
    for run in range(2):
        clean = Observed(np.arange(n), {objective.outcome: np.arange(n, dtype=np.float32) / n})
        write_run(run_path(where, run), [Step(1, clean, None)], np.arange(n) % 2 == run, ids, run_settings(run), layout)
    return Record(where)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_a_row_has_the_target_in_words(tmp_path: Path, kind: str) -> None:
    objective, labels, expected = OBJECTIVES[kind]
    record = hand_written(tmp_path, objective, labels)
    rows = {row["example"]: row["label"] for row in score_rows(record, [evaluate(c_score, record)])}
    assert [rows["train/0"], rows["train/1"]] == expected
