"""Canaries of regressions, of several labels, and of inputs that are whole numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from byrote.errors import InvalidData
from byrote.record.population import read_population, write_population
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.task import Task

N = 80
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal([5, 100], [1, 30], (N, 2)).astype(np.float32)
SETS = RNG.integers(0, 2, (N, 3))
TARGETS: dict[str, tuple[Any, str]] = {
    "numbers": (NUMBERS[:, 0], "regression"),
    "one column": (NUMBERS[:, :1], "regression"),
    "two columns": (NUMBERS, "regression"),
    "sets": (SETS, "multilabel"),
    "one label": (SETS[:, :1], "multilabel"),
    "classes": (SETS[:, 0], "classification"),
}


def task(labels: Any, objective: str, inputs: Any = None) -> Task:
    x = RNG.normal(size=(N, 4)) if inputs is None else inputs
    return Task(lambda: nn.Linear(4, 3), Examples(x, labels), objective=objective)


@pytest.mark.parametrize("kind", TARGETS)
def test_wrong_targets_are_clearly_different_and_the_true_ones_are_kept(tmp_path: Path, kind: str) -> None:
    labels, objective = TARGETS[kind]
    given = task(labels, objective)
    population = plant(given, Canaries(mislabeled=6, ordinary=3, noise=3, ambiguous=2), 0)
    wrong = population.canary == "mislabeled"
    rows = [int(source.removeprefix("train/")) for source in population.source[wrong]]
    true = given.train.labels[rows]
    np.testing.assert_array_equal(population.true_label[wrong], true)
    if objective == "regression":
        scale = labels.astype(np.float64).std(0)
        far = ((population.labels[wrong].astype(np.float64) - true) / scale).reshape(6, -1)
        assert np.sqrt((far**2).mean(1)).min() >= 1
        assert np.isnan(population.true_label[~wrong]).all()
    else:
        assert (population.labels[wrong] != true).reshape(6, -1).any(1).all()
        assert (population.true_label[~wrong] == -1).all()
    write_population(tmp_path, population)
    again = read_population(tmp_path)
    for name in ("labels", "true_label", "ids", "canary", "source", "weights"):
        np.testing.assert_array_equal(getattr(again, name), getattr(population, name), err_msg=name)
    assert again.labels.dtype == again.true_label.dtype == population.labels.dtype


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.uint8, np.bool_], ids=str)
def test_noise_of_whole_numbers_is_drawn_from_each_feature_of_the_data(dtype: type) -> None:
    inputs = (RNG.integers(0, 2, (N, 4)) * [1, 3, 7, 100] + [0, 1, 0, 20]).astype(dtype)
    population = plant(task(*TARGETS["sets"], inputs), Canaries(noise=8), 0)
    noise = population.inputs[population.canary == "noise"]
    assert noise.dtype == dtype
    for feature in range(4):
        assert set(noise[:, feature].tolist()) <= set(inputs[:, feature].tolist())


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_], ids=str)
def test_whole_numbers_have_no_mean_to_be_ambiguous(dtype: type) -> None:
    with pytest.raises(InvalidData, match="ambiguous"):
        plant(task(*TARGETS["sets"], RNG.integers(0, 2, (N, 4)).astype(dtype)), Canaries(ambiguous=1), 0)
