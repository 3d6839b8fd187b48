"""Regression and multilabel from task to record: mean memorization is the gap; audits without a test set."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

import byrote
from byrote.errors import ByroteError
from byrote.objectives import Multilabel, Objective, Regression
from byrote.record import Record
from byrote.scores import memorization
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.engine import Engine
from byrote.training.pack import Pack

N, FEATURES = 30, 4
ALONE = Compute(workers=1)


def points() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(N + 10, FEATURES)).astype(np.float32)


def targets(objective: Objective, width: int) -> NDArray[Any]:
    """Return a noisy linear function of the points, in units far from 1, or its signs."""
    x, rng = points(), np.random.default_rng(1)
    y = x @ rng.normal(size=(FEATURES, width)) + rng.normal(size=(N + 10, width))
    if objective.name == "multilabel":
        return (y > 0).astype(np.int64)
    return (200 + 30 * y).astype(np.float32)[:, 0 if width == 1 else slice(None)]


def task(objective: Objective, width: int, *, test: bool = True, **recipe: Any) -> Task:
    x, y = points(), targets(objective, width)
    return Task(
        lambda: nn.Sequential(nn.Linear(FEATURES, 16), nn.ReLU(), nn.Linear(16, width)),
        Examples(x[:N], y[:N]),
        Examples(x[N:], y[N:]) if test else None,
        Recipe(epochs=6, batch_size=10, learning_rate=0.02, **recipe),
        objective=objective,
    )


def balanced(directory: Path, which: Task, runs: int = 4) -> Record:
    return collect(which, directory, runs=runs, design=byrote.halves(), canaries=Canaries(), compute=ALONE)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_mean_memorization_of_a_regression_is_the_gap_in_r2(tmp_path: Path, width: int, loss: Any) -> None:
    """From predictions in the units of the targets alone, whatever was trained with."""
    which = task(Regression(loss=loss), width)
    record = balanced(tmp_path, which)
    train = record.population.where("train")
    y = targets(which.learned, width)[:N].astype(np.float64).reshape(N, width)
    np.testing.assert_array_equal(record.population.labels[train].reshape(N, width), y)
    names = ["prediction"] if width == 1 else [f"prediction_{i}" for i in range(width)]
    trained, held_out = [], []
    for run in record.runs:
        predicted = np.stack([record.at_step(run, name, record.last_step)[train] for name in names], axis=1)
        error = ((y - predicted) ** 2 / y.var(axis=0)).mean(axis=1)
        member = record.member(run)[train]
        trained.extend(1 - error[member])
        held_out.extend(1 - error[~member])
    assert len(trained) == len(held_out) == 2 * N
    values = byrote.evaluate(memorization, record).value[train]
    assert values.mean() == pytest.approx(np.mean(trained) - np.mean(held_out), abs=1e-5)
    assert values.mean() > 0.01


def test_mean_memorization_of_several_labels_is_the_gap_in_their_share_right(tmp_path: Path) -> None:
    which = task(Multilabel(), 3)
    record = balanced(tmp_path, which)
    train = record.population.where("train")
    trained, held_out = [], []
    for run in record.runs:
        right = np.stack([record.at_step(run, f"correct_{i}", record.last_step)[train] for i in range(3)], axis=1)
        member = record.member(run)[train]
        trained.extend(right[member].mean(axis=1))
        held_out.extend(right[~member].mean(axis=1))
    values = byrote.evaluate(memorization, record).value[train]
    assert values.mean() == pytest.approx(np.mean(trained) - np.mean(held_out), abs=1e-6)


@pytest.mark.parametrize(("objective", "width"), [(Regression(), 1), (Regression(), 2), (Multilabel(), 2)], ids=str)
def test_an_audit_without_a_test_set_says_what_is_missing(tmp_path: Path, objective: Objective, width: int) -> None:
    said: list[str] = []
    which = task(objective, width, test=False)
    record = byrote.audit(which, tmp_path, runs=4, canaries=Canaries.of_each(2), compute=ALONE, tell=said.extend)
    assert not record.population.where("test").any()
    text = " ".join([*said, (tmp_path / "report.html").read_text()]).lower()
    assert "no test" in text or "test set" in text
    assert np.isfinite(byrote.evaluate(memorization, record).value[record.population.where("train")]).any()


def test_removal_without_a_test_set_is_refused_and_the_onion_needs_none(tmp_path: Path) -> None:
    which = task(Regression(), 1, test=False)
    record = balanced(tmp_path / "record", which)
    with pytest.raises(ByroteError, match=r"test examples.*Task\(test=\)"):
        byrote.remove(which, record, tmp_path / "removed", seeds=2, compute=ALONE)
    assert not (tmp_path / "removed").exists()
    onion = byrote.peel(which, record, tmp_path / "peeled", runs=4, compute=ALONE)
    assert np.isfinite(onion.rise.value)


def test_removal_of_a_regression_measures_r2_of_the_test_examples(tmp_path: Path) -> None:
    which = task(Regression(), 1)
    record = balanced(tmp_path / "record", which)
    removal = byrote.remove(which, record, tmp_path / "removed", shares=(0.2,), seeds=2, compute=ALONE)
    nothing = Record(tmp_path / "removed" / "nothing-0")
    test = nothing.population.where("test")
    y = targets(which.learned, 1).astype(np.float64)
    errors = [(nothing.at_step(run, "prediction", nothing.last_step)[test] - y[N:]) ** 2 for run in nothing.runs]
    expected = 1 - np.mean(errors) / y[:N].var()
    assert removal.accuracy("nothing", 0.0).value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("objective", "width"), [(Regression(), 1), (Regression(), 2), (Multilabel(), 2)], ids=str)
def test_models_side_by_side_learn_what_they_learn_alone(objective: Objective, width: int) -> None:
    which = task(objective, width)
    population = plant(which, Canaries(), 0)
    members = np.random.default_rng(0).random((3, len(population))) < 0.5
    members[:, N:] = False
    members[1:] = members[0]

    def columns(rows: list[int]) -> dict[int, Any]:
        pack = Pack(cast("Any", which.model), population, which.learned, members[rows], which.recipe, rows, Engine())
        every = np.arange(len(population))
        steps = [pack.epoch(epoch, every) for epoch in (1, 2)][-1]
        return {row: step.clean.values for row, step in zip(rows, steps, strict=True) if step.clean}

    packed = columns([0, 1, 2])
    for row in packed:
        alone = columns([row])[row]
        for name, values in alone.items():
            np.testing.assert_allclose(packed[row][name], values, rtol=1e-3, atol=1e-3, err_msg=name)
