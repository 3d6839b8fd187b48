"""A loop that learns numbers or several labels: the columns are those of the objective, through a resume as well."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData, MissingEvidence
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
SETS = RNG.integers(0, 2, (N, 2)).astype(np.int8)
CASES: dict[str, tuple[Any, Objective]] = {
    "one number": (NUMBERS[:, 0], Regression(mean=(480.0,), scale=(90.0,))),
    "one column": (NUMBERS[:, :1], Regression("huber", mean=(480.0,), scale=(90.0,))),
    "two numbers": (NUMBERS, Regression(mean=(480.0, -2.0), scale=(90.0, 0.1))),
    "sets": (SETS, Multilabel(2)),
    "one label": (SETS[:, :1], Multilabel(1)),
}
IDS = [f"row {i}" for i in range(N)]
SEEN = N // 2
"""Examples that the model is trained on, from the first."""


def outputs(labels: Any, step: int) -> torch.Tensor:
    """Return what a model says at a step: logits, or predictions in the units of the targets."""
    noise = np.random.default_rng(step).normal(size=labels.shape)
    return torch.from_numpy((labels + noise * labels.std(0)).astype(np.float32))


def record_step(recorder: Recorder, labels: Any, step: int) -> None:
    said = outputs(labels, step)
    recorder.seen(IDS[:SEEN], said[:SEEN], labels[:SEEN])
    recorder.clean(IDS, said, labels)
    recorder.end_step(step)


def in_order(record: Record) -> list[int]:
    """Return where in the record each example of the loop is."""
    return np.argsort([int(name.split()[-1]) for name in record.population.ids]).tolist()


@pytest.mark.parametrize("given", ["units", "train"])
@pytest.mark.parametrize("kind", CASES)
def test_columns_are_those_of_the_objective_and_labels_survive_a_resume(tmp_path: Path, kind: str, given: str) -> None:
    labels, objective = CASES[kind]
    train = Examples(X, labels, IDS) if given == "train" else None
    unfitted = objective
    if train is not None:
        unfitted = Multilabel() if objective.name == "multilabel" else Regression()
        objective = unfitted.fitted(labels, 0)
    first = Recorder(tmp_path, steps=2, train=train, objective=unfitted)
    record_step(first, labels, 1)
    first._lock.release(force=True)  # pyright: ignore[reportPrivateUsage]  # as when its process dies
    record_step(Recorder(tmp_path, steps=2, train=train, objective=unfitted), labels, 2)
    record = Record(tmp_path)
    assert record.objective == objective
    assert len(record.population) == N
    order = in_order(record)
    assert record.population.labels.dtype == labels.dtype
    np.testing.assert_array_equal(record.population.labels[order], labels)
    np.testing.assert_array_equal(record.member(0)[order], np.arange(N) < SEEN)
    for step in (1, 2):
        said = outputs(labels, step)
        if objective.name == "regression":
            said = torch.from_numpy(objective.from_predictions(said.numpy()).astype(np.float32))
        expected = objective.observe(said, objective.to_tensor(labels))
        assert list(record.layout.columns)[: len(expected)] == list(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(record.at_step(0, name, step)[order], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_predictions_and_r2_are_in_the_units_of_the_targets(tmp_path: Path) -> None:
    labels, objective = CASES["one number"]
    record_step(Recorder(tmp_path, steps=1, objective=objective), labels, 1)
    record, said = Record(tmp_path), outputs(labels, 1).numpy()
    order = in_order(record)
    np.testing.assert_allclose(record.at_step(0, "prediction", 1)[order], said, rtol=1e-5)
    expected = 1 - ((said - labels) / 90.0) ** 2
    np.testing.assert_allclose(record.at_step(0, "r2", 1)[order], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", CASES)
def test_an_id_with_another_target_is_refused_in_the_run_and_in_another(kind: str, tmp_path: Path) -> None:
    labels, objective = CASES[kind]
    other = labels.copy()
    other[3] = 1 - other[3]
    first = Recorder(tmp_path, steps=2, objective=objective)
    record_step(first, labels, 1)
    with pytest.raises(InvalidData, match="'train/row 3'"):
        record_step(first, other, 2)
    record_step(Recorder(tmp_path, run=1, steps=2, objective=objective), labels, 1)
    second = Recorder(tmp_path, run=2, steps=2, objective=objective)
    record_step(second, labels, 1)
    record_step(second, labels, 2)
    with pytest.raises(InvalidData, match=r"'train/row 3'.*elsewhere"):
        record_step(Recorder(tmp_path, run=3, steps=2, objective=objective), other, 1)


def test_a_regression_needs_the_units_of_its_targets(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"train.*Regression\(mean="):
        Recorder(tmp_path / "none", steps=2, objective="regression")
    recorder = Recorder(tmp_path / "train", steps=2, objective="regression", train=Examples(X, NUMBERS))
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


def test_several_labels_need_no_examples(tmp_path: Path) -> None:
    record_step(Recorder(tmp_path, steps=1, objective="multilabel"), SETS, 1)
    record = Record(tmp_path)
    assert record.objective == Multilabel(2)
    np.testing.assert_array_equal(record.population.labels[in_order(record)], SETS)


def test_one_logit_may_be_a_plain_list(tmp_path: Path) -> None:
    z, labels = torch.linspace(-2, 2, N), np.arange(N) % 2
    records: list[Record] = []
    for name, logits in (("list", z), ("column", z[:, None]), ("two", torch.stack([torch.zeros(N), z], 1))):
        recorder = Recorder(tmp_path / name, steps=1)
        recorder.clean(IDS, logits, labels, member=True)
        recorder.end_step(1)
        records.append(Record(tmp_path / name))
    for column in ("loss", "margin", "correct", "prediction"):
        for other in records[:2]:
            np.testing.assert_array_equal(other.at_step(0, column, 1), records[2].at_step(0, column, 1))


def test_probabilities_are_no_logits(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=1)
    recorder.clean(IDS, torch.randn(N, 3).softmax(1), np.arange(N) % 3, member=True)
    with pytest.raises(InvalidData, match=r"probabilities.*before softmax"):
        recorder.end_step(1)
