"""Canaries of regression and multilabel tasks, and of inputs that are whole numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from byrote.errors import InvalidData
from byrote.objectives import Classification, Multilabel, Objective, Regression
from byrote.record import Population
from byrote.record.population import read_population, write_population
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.task import Task

N = 60
ALL = Canaries(mislabeled=5, ordinary=2, noise=3, ambiguous=2)


KINDS: dict[str, Objective] = {
    "classes": Classification(),
    "one target": Regression(),
    "one column of targets": Regression(),
    "two targets": Regression(),
    "labels": Multilabel(),
    "one label": Multilabel(),
}
SHAPES = {
    "one target": (N,),
    "one column of targets": (N, 1),
    "two targets": (N, 2),
    "labels": (N, 3),
    "one label": (N, 1),
}


def targets(kind: str) -> NDArray[Any]:
    """Return targets; two of a regression are in units far from each other."""
    rng = np.random.default_rng(0)
    if kind == "classes":
        return np.arange(N) % 3
    if KINDS[kind].name == "multilabel":
        return rng.integers(0, 2, SHAPES[kind])
    scale = [20, 0.3] if kind == "two targets" else 20
    return (7 + scale * rng.normal(size=SHAPES[kind])).astype(np.float32)


def planted(kind: str, canaries: Canaries = ALL, inputs: Any = None, *, test: bool = True) -> tuple[Task, Population]:
    x = np.random.default_rng(1).normal(size=(N, 4)).astype(np.float32) if inputs is None else inputs
    examples = Examples(x, targets(kind))
    which = Task(lambda: nn.Linear(4, 3), examples, examples if test else None, objective=KINDS[kind])
    return which, plant(which, canaries, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("test", [True, False])
def test_wrong_targets_are_clearly_wrong_and_the_true_ones_are_kept(kind: str, test: bool) -> None:
    which, population = planted(kind, test=test)
    source = {f"train/{name}": label for name, label in zip(which.train.ids, targets(kind), strict=True)}
    scale = targets(kind).astype(np.float64).std(axis=0)
    wrong = np.flatnonzero(population.canary == "mislabeled")
    assert len(wrong) == 5
    for at in wrong:
        true, given = source[population.source[at]], population.labels[at]
        np.testing.assert_array_equal(population.true_label[at], true)
        if "target" in kind:
            assert np.sqrt((((given.astype(np.float64) - true) / scale) ** 2).mean()) >= 1
            assert (given == targets(kind)).reshape(N, -1).all(axis=1).any()
        else:
            assert np.any(given != true)
    for at in np.flatnonzero(population.canary == "ordinary"):
        np.testing.assert_array_equal(population.labels[at], source[population.source[at]])
    others = population.true_label[population.canary != "mislabeled"]
    assert np.isnan(others).all() if "target" in kind else (others == -1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_every_kind_come_back_from_the_record(kind: str, tmp_path: Path) -> None:
    _, population = planted(kind)
    write_population(tmp_path, population)
    found = read_population(tmp_path)
    for name in ("labels", "true_label", "ids", "canary", "source", "weights"):
        expected = getattr(population, name)
        np.testing.assert_array_equal(getattr(found, name), expected, err_msg=name)
    assert found.labels.dtype == found.true_label.dtype == population.labels.dtype


def test_true_labels_come_back_where_there_are_none(tmp_path: Path) -> None:
    for kind in KINDS:
        _, population = planted(kind, Canaries())
        write_population(tmp_path, population)
        np.testing.assert_array_equal(read_population(tmp_path).true_label, population.true_label)


@pytest.mark.parametrize("dtype", ["int64", "int16", "uint8", "bool"])
def test_noise_of_whole_numbers_is_drawn_from_the_data(dtype: str) -> None:
    values = np.array([[1, 40, 0, 7], [3, 50, 1, 7], [5, 60, 0, 7]])
    inputs = values[np.arange(N) % 3].astype(dtype)
    _, population = planted("classes", Canaries(noise=12), inputs)
    noise = population.inputs[population.canary == "noise"]
    assert noise.dtype == inputs.dtype
    for feature in range(4):
        assert set(noise[:, feature].tolist()) <= set(inputs[:, feature].tolist())
    if dtype != "bool":
        rows = {tuple(row) for row in inputs.tolist()}
        assert any(tuple(row) not in rows for row in noise.tolist())


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_whole_numbers_have_no_mean(dtype: str) -> None:
    inputs = np.random.default_rng(0).integers(0, 2, (N, 4)).astype(dtype)
    with pytest.raises(InvalidData, match=r"whole numbers.*no ambiguous"):
        planted("classes", Canaries(ambiguous=1), inputs)
    with pytest.raises(InvalidData, match=r"whole numbers.*no ambiguous"):
        planted("classes", Canaries(ambiguous=1), {"x": np.zeros((N, 4), np.float32), "ids": inputs})


def test_ambiguous_ones_lie_between_clearly_different_targets() -> None:
    which, population = planted("one target", Canaries(ambiguous=4))
    x, y = np.asarray(which.train.inputs, np.float64), targets("one target")
    source = {f"train/{name}": at for at, name in enumerate(which.train.ids)}
    for at in np.flatnonzero(population.canary == "ambiguous"):
        first = source[population.source[at]]
        partner = 2 * population.inputs[at].astype(np.float64) - x[first]
        second = int(np.abs(x - partner).sum(axis=1).argmin())
        np.testing.assert_allclose(x[second], partner, atol=1e-5)
        assert abs(float(y[second]) - float(y[first])) >= y.std()
        assert population.labels[at] == y[first]
