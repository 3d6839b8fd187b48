"""A Fit that predicts numbers or several labels, by scikit-learn, against its own predictions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import byrote
from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Multilabel, Objective, Regression
from byrote.record import Record
from byrote.scores import memorization
from byrote.task.canaries import Canaries
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

sklearn = pytest.importorskip("sklearn")
N = 24


def inputs() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)


def targets(width: int) -> NDArray[np.float32]:
    y = 500 + 40 * (inputs() @ np.random.default_rng(1).normal(size=(3, width)))
    y += np.random.default_rng(2).normal(0, 20, y.shape)
    return (y[:, 0] if width == 1 else y).astype(np.float32)


def ridge(train: Examples, seed: int) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge().fit(train.inputs, train.labels).predict


def forest(train: Examples, seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(4, random_state=seed).fit(train.inputs, train.labels).predict


def as_column(train: Examples, seed: int) -> Any:
    predict = ridge(train, seed)
    return lambda x: predict(x)[:, None]


def made(
    directory: Path, function: Any, y: NDArray[Any], objective: Objective, outputs: Any = "probabilities"
) -> Record:
    task = Task(Fit(function, outputs), Examples(inputs(), y), None, objective=objective)
    return collect(task, directory, runs=4, canaries=Canaries(), compute=Compute(workers=1))


@pytest.mark.parametrize(("function", "width"), [(ridge, 1), (as_column, 1), (forest, 1), (ridge, 2), (forest, 2)])
def test_predictions_of_a_regression_are_in_units_of_the_targets(function: Any, width: int, tmp_path: Path) -> None:
    y = targets(width)
    record = made(tmp_path, function, y, Regression())
    rows, names = (
        y.reshape(N, width).astype(np.float64),
        ["prediction"] if width == 1 else ["prediction_0", "prediction_1"],
    )
    for run in record.runs:
        member = record.member(run)
        train = Examples(inputs()[member], y[member])
        expected = np.reshape(function(train, record.run_settings(run)["seed"])(inputs()), (N, width))
        found = np.stack([record.at_step(run, name, 1) for name in names], axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        r2 = 1 - ((expected - rows) ** 2 / rows.var(axis=0)).mean(axis=1)
        np.testing.assert_allclose(record.at_step(run, "r2", 1), r2, rtol=1e-4, atol=1e-4)
    assert np.nanmean(byrote.evaluate(memorization, record).value) > 0


def shares(train: Examples, seed: int) -> Any:
    share = train.labels.mean(axis=0)
    return lambda x: np.tile(share, (len(x), 1))


def test_probabilities_of_several_labels(tmp_path: Path) -> None:
    y = np.random.default_rng(3).integers(0, 2, (N, 3))
    record = made(tmp_path, shares, y, Multilabel())
    for run in record.runs:
        p = y[record.member(run)].mean(axis=0)
        own = np.where(y == 1, p, 1 - p)
        for label in range(3):
            np.testing.assert_allclose(record.at_step(run, f"confidence_{label}", 1), own[:, label], rtol=1e-5)
        np.testing.assert_allclose(record.at_step(run, "loss", 1), -np.log(own).mean(axis=1), rtol=1e-5)


def narrow(train: Examples, seed: int) -> Any:
    return lambda x: np.zeros((len(x), 1))


def impossible(train: Examples, seed: int) -> Any:
    return lambda x: np.full((len(x), 3), 1.5)


def nothing(train: Examples, seed: int) -> Any:
    return lambda x: np.full(len(x), np.nan)


def test_what_predict_returns_is_checked(tmp_path: Path) -> None:
    labels = np.random.default_rng(3).integers(0, 2, (N, 3))
    with pytest.raises(ByroteError, match=r"\(24, 1\).*2 targets.*\(24, 2\)"):
        made(tmp_path / "a", narrow, targets(2), Regression())
    with pytest.raises(ByroteError, match=r"1\.5.*no probabilities.*logits"):
        made(tmp_path / "b", impossible, labels, Multilabel())
    with pytest.raises(ByroteError, match=r"NaN.*24 of 24"):
        made(tmp_path / "c", nothing, targets(1), Regression())
    assert issubclass(InvalidData, ByroteError)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (np.array([[0.25, 0.75]]), r"probabilities: no number of 24 rows.*byrote\.Fit\(fit\)"),
        (np.array([[1e39, -1e39]]), "beyond float32 for 24 of 24 examples"),
    ],
    ids=["probabilities", "beyond float32"],
)
def test_logits_that_are_none_are_refused(answer: NDArray[np.float64], match: str, tmp_path: Path) -> None:
    task = Task(
        Fit(lambda train, seed: lambda x: answer.repeat(len(x), 0), "logits"), Examples(inputs(), np.arange(N) % 2)
    )
    with pytest.raises(ByroteError, match=match):
        collect(task, tmp_path, runs=2, canaries=Canaries(), compute=Compute(workers=1))
