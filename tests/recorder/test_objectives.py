"""A loop that learns numbers or several labels: the columns are those of the objective, through a resume as well."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from byrote.errors import ByroteError, InvalidData, MissingEvidence
from byrote.evidence.evaluate import evaluate
from byrote.objectives import Multilabel, Objective, Regression
from byrote.record import Record
from byrote.recorder import Recorder
from byrote.scores import SCORES, memorization
from byrote.task.examples import Examples

N = 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3)).astype(np.float32)
NUMBERS = RNG.normal([500, -2], [90, 0.1], (N, 2)).astype(np.float32)
SETS = RNG.integers(0, 2, (N, 2))
CASES: dict[str, tuple[Any, Objective]] = {
    "one number": (NUMBERS[:, 0], Regression(mean=(480.0,), scale=(90.0,))),
    "one column": (NUMBERS[:, :1], Regression("huber", mean=(480.0,), scale=(90.0,))),
    "two numbers": (NUMBERS, Regression(mean=(480.0, -2.0), scale=(90.0, 0.1))),
    "sets": (SETS, Multilabel(2)),
    "one label": (SETS[:, :1], Multilabel(1)),
}


def outputs(labels: Any, step: int) -> torch.Tensor:
    noise = np.random.default_rng(step).normal(size=labels.shape)
    return torch.from_numpy((labels + noise * labels.std(0)).astype(np.float32))


def make(directory: Path, labels: Any, objective: Objective | str, **options: Any) -> Recorder:
    return Recorder(directory, steps=2, objective=objective, **options)


@pytest.mark.parametrize("kind", CASES)
def test_columns_are_those_of_the_objective_and_labels_survive_a_resume(tmp_path: Path, kind: str) -> None:
    labels, objective = CASES[kind]
    half = np.arange(N) < N // 2
    first = make(tmp_path, labels, objective)
    first.seen(np.arange(N)[half], outputs(labels, 1)[half], labels[half])
    first.clean(np.arange(N), outputs(labels, 1), labels)
    first.end_step(1)
    del first  # its lock goes with it, as when the process ends
    again = make(tmp_path, labels, objective)
    again.seen(np.arange(N)[half], outputs(labels, 2)[half], labels[half])
    again.clean(np.arange(N), outputs(labels, 2), labels)
    again.end_step(2)
    record = Record(tmp_path)
    order = np.argsort([int(name.removeprefix("train/")) for name in record.population.ids])
    np.testing.assert_array_equal(record.population.labels[order], labels)
    np.testing.assert_array_equal(record.member(0)[order], half)
    for step in (1, 2):
        said = outputs(labels, step).numpy()
        said = said if kind in ("sets", "one label") else objective.from_predictions(said).astype(np.float32)
        expected = objective.observe(torch.from_numpy(said), objective.to_tensor(labels))
        assert list(record.layout.columns)[: len(expected)] == list(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(record.at_step(0, name, step)[order], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_an_id_with_another_target_is_refused(tmp_path: Path) -> None:
    recorder = make(tmp_path, NUMBERS, CASES["two numbers"][1])
    recorder.seen(np.arange(N), outputs(NUMBERS, 1), NUMBERS)
    recorder.end_step(1)
    other = NUMBERS.copy()
    other[3, 1] += 1
    recorder.seen(np.arange(N), outputs(NUMBERS, 1), other)
    with pytest.raises(InvalidData, match="'train/3'"):
        recorder.end_step(2)


def test_a_regression_needs_the_units_of_its_targets(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match="train"):
        make(tmp_path / "none", NUMBERS, "regression")
    recorder = make(tmp_path / "train", NUMBERS, "regression", train=Examples(X, NUMBERS))
    for step in (1, 2):
        recorder.clean(np.arange(N), outputs(NUMBERS, step), NUMBERS, member=True)
        recorder.end_step(step)
    record = Record(tmp_path / "train")
    assert record.objective == Regression().fitted(NUMBERS, 0)
    with pytest.raises(MissingEvidence, match=r"learn regression.*prediction_0"):
        evaluate(SCORES["aum"], record)
    with pytest.raises(MissingEvidence, match=r"no column named 'margin'.*regression"):
        record.at_step(0, "margin", 1)
    with pytest.raises(MissingEvidence):
        evaluate(memorization, record)  # one run
