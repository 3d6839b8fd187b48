"""The Recorder for regression and multilabel: the same columns as byrote.collect, targets that stay, and resuming."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.objectives import Multilabel, Objective, Regression
from byrote.record import Record
from byrote.recorder import Recorder
from byrote.task.examples import Examples

N = 10
IDS = [f"row {i}" for i in range(N)]
CASES = [("one", 1), ("two", 2), ("labels", 3)]


def targets(kind: str) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    if kind == "labels":
        return rng.integers(0, 2, (N, 3))
    return (100 + 25 * rng.normal(size=N if kind == "one" else (N, 2))).astype(np.float32)


def examples(kind: str) -> Examples:
    return Examples(np.random.default_rng(1).normal(size=(N, 2)).astype(np.float32), targets(kind), IDS)


def objective_of(kind: str) -> Objective:
    return Multilabel() if kind == "labels" else Regression()


def outputs(kind: str, width: int) -> torch.Tensor:
    """Return what a model says: logits, or predictions in the units of the targets."""
    z = np.random.default_rng(2).normal(size=(N, width)).astype(np.float32)
    return torch.from_numpy(z if kind == "labels" else 100 + 25 * z)


def step(recorder: Recorder, kind: str, width: int, number: int, y: Any = None) -> None:
    given = torch.as_tensor(targets(kind) if y is None else y)
    said = outputs(kind, width)
    recorder.seen(IDS[:6], said[:6], given[:6])
    recorder.clean(IDS, said, given)
    recorder.end_step(number)


def begin(directory: Path, kind: str, *, run: int = 0, steps: int = 2) -> Recorder:
    train = examples(kind)
    return Recorder(directory, run=run, steps=steps, train=train, objective=objective_of(kind))


@pytest.mark.parametrize(("kind", "width"), CASES)
def test_columns_are_those_of_the_objective(kind: str, width: int, tmp_path: Path) -> None:
    recorder = begin(tmp_path, kind, steps=1)
    step(recorder, kind, width, 1)
    record = Record(tmp_path)
    checked = objective_of(kind).check(targets(kind), np.array(IDS))
    fitted = objective_of(kind).fitted(checked, 0)
    assert record.objective == fitted
    said = outputs(kind, width)
    z = said if kind == "labels" else torch.from_numpy(fitted.from_predictions(said.numpy())).float()
    expected = fitted.observe(z, fitted.to_tensor(checked))
    order = [int(name.split()[-1]) for name in record.population.ids]
    for name, values in expected.items():
        np.testing.assert_allclose(record.at_step(0, name, 1), values[order], rtol=1e-5, atol=1e-5, err_msg=name)
    assert record.population.labels.dtype == checked.dtype
    np.testing.assert_array_equal(record.population.labels, checked[order])
    assert record.member(0).sum() == 6


@pytest.mark.parametrize(("kind", "width"), CASES)
def test_a_run_that_was_cut_off_keeps_its_targets(kind: str, width: int, tmp_path: Path) -> None:
    first = begin(tmp_path, kind)
    step(first, kind, width, 1)
    first._lock.release(force=True)  # pyright: ignore[reportPrivateUsage]  # as when its process dies
    step(begin(tmp_path, kind), kind, width, 2)
    record = Record(tmp_path)
    assert len(record.population) == N
    order = [int(name.split()[-1]) for name in record.population.ids]
    np.testing.assert_array_equal(record.population.labels, targets(kind)[order])
    np.testing.assert_array_equal(record.at_step(0, "loss", 1), record.at_step(0, "loss", 2))


@pytest.mark.parametrize(("kind", "width"), CASES)
def test_an_id_with_another_target_is_refused(kind: str, width: int, tmp_path: Path) -> None:
    step(begin(tmp_path, kind, steps=1), kind, width, 1)
    other = targets(kind).copy()
    other[3] = 1 - other[3]
    with pytest.raises(InvalidData, match=r"'train/row 3'.*elsewhere"):
        step(begin(tmp_path, kind, run=1, steps=1), kind, width, 1, other)


@pytest.mark.parametrize(("kind", "width"), CASES)
def test_without_examples_to_show(kind: str, width: int, tmp_path: Path) -> None:
    """Multilabel needs none; a regression needs its units."""
    if kind == "labels":
        recorder = Recorder(tmp_path, steps=1, objective="multilabel")
    else:
        with pytest.raises(InvalidData, match=r"train.*Regression\(mean="):
            Recorder(tmp_path, steps=1, objective="regression")
        units = Regression(mean=(100.0,) * width, scale=(25.0,) * width)
        recorder = Recorder(tmp_path, steps=1, objective=units)
    step(recorder, kind, width, 1)
    record = Record(tmp_path)
    assert record.objective.outputs == width
    order = [int(name.split()[-1]) for name in record.population.ids]
    np.testing.assert_array_equal(record.population.labels, targets(kind)[order])
    if kind == "one":
        said = outputs(kind, 1).numpy()[order, 0]
        np.testing.assert_allclose(record.at_step(0, "prediction", 1), said, rtol=1e-5)
        expected = 1 - ((said - targets(kind)[order]) / 25.0) ** 2
        np.testing.assert_allclose(record.at_step(0, "r2", 1), expected, rtol=1e-4, atol=1e-4)
